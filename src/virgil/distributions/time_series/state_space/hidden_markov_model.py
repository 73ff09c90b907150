"""The base of series that are observed through a hidden chain of states."""

from __future__ import annotations

from typing import Any, Self

from torch import Size, Tensor
from torch.distributions import constraints

from virgil.distributions.core.shape_algebra import TorchDistributionMixin
from virgil.errors import ShapeError
from virgil.ops.sizes import Sizes

__all__ = ["HiddenMarkovModel"]


class HiddenMarkovModel(TorchDistributionMixin):
    """Abstract base of series whose event is ``(steps, *event of an observation)``.

    Args:
        duration: the number of steps; ``None`` where a series may have any length. ``event_shape`` then begins with 1.
        batch_shape: of independent series.
        event_shape: of one series.
    """

    arg_constraints: dict[str, constraints.Constraint] = {}

    def __init__(
        self, duration: int | None, batch_shape: Sizes, event_shape: Sizes, validate_args: bool | None = None
    ) -> None:
        self._duration = duration
        super().__init__(Size(batch_shape), Size(event_shape), validate_args=validate_args)

    @property
    def duration(self) -> int | None:
        """The number of steps; ``None`` where a series may have any."""
        return self._duration

    def with_length_of(self, value: Tensor) -> Self:
        """This model, with the number of steps of a series where it has none.

        Raises:
            ShapeError: the value is no series.
        """
        if self.duration is not None:
            return self
        place = value.dim() - self.event_dim
        if place < 0 or value.shape[place] == 0:
            raise ShapeError(
                f"{type(self).__name__} got a value of shape {tuple(value.shape)}; it takes at least one step, of "
                "shape (*batch, steps, *event of an observation), and the event of an observation is "
                f"{tuple(self.event_shape[1:])}."
            )
        return self._copied(self.__new__(type(self)), self.batch_shape, value.shape[place])

    def _copied(self, new: Self, batch_shape: Sizes, duration: int | None, **changed: Any) -> Self:
        """A model with the same parameters, which broadcast to the batch, less those that have changed."""
        vars(new).update(vars(self) | changed)
        event = Size([duration or 1]) + self.event_shape[1:]
        HiddenMarkovModel.__init__(new, duration, batch_shape, event, validate_args=False)
        new._validate_args = self._validate_args
        return new

    def _checked(self, value: Tensor) -> None:
        """Refuse a value of another shape, or outside the support."""
        if self._validate_args:
            self.with_length_of(value)._validate_sample(value)

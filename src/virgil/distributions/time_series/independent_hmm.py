"""Independent series of numbers as one series of vectors."""

from __future__ import annotations

from typing import Any, Self, cast

from torch import Size, Tensor
from torch import distributions as td
from torch.distributions import constraints

from virgil.distributions.core.shape_algebra import TorchDistributionMixin, expanded
from virgil.errors import ShapeError
from virgil.ops.sizes import Sizes

__all__ = ["IndependentHMM"]


class IndependentHMM(TorchDistributionMixin):
    """Independent series of numbers, the rightmost batch dim of ``base_dist``, as one series of vectors.

    A base of batch shape ``(*batch, obs_dim)`` and event shape ``(steps, 1)`` becomes a distribution of batch shape
    ``(*batch,)`` and event shape ``(steps, obs_dim)``.

    Args:
        base_dist: a `GaussianHMM`, or another family of series of vectors of size 1.

    Raises:
        ShapeError: the base has other shapes.
    """

    arg_constraints: dict[str, constraints.Constraint] = {}

    def __init__(self, base_dist: td.Distribution) -> None:
        if not base_dist.batch_shape or base_dist.event_shape[1:] != (1,):
            raise ShapeError(
                f"IndependentHMM got a base of batch shape {tuple(base_dist.batch_shape)} and event shape "
                f"{tuple(base_dist.event_shape)}; they are (*batch, obs_dim) and (steps, 1)."
            )
        self.base_dist = base_dist
        *batch, size = base_dist.batch_shape
        super().__init__(Size(batch), Size([base_dist.event_shape[0], size]), validate_args=False)

    @property
    def has_rsample(self) -> bool:  # type: ignore[override]
        """True if the base has it."""
        return self.base_dist.has_rsample

    @property
    def duration(self) -> int | None:
        """The number of steps; ``None`` where a series may have any."""
        return cast("int | None", getattr(self.base_dist, "duration", self._event_shape[0]))

    @constraints.dependent_property(event_dim=2)
    def support(self) -> constraints.Constraint:
        """The support of the base, which has as many dims."""
        return cast(constraints.Constraint, self.base_dist.support)

    def expand(self, batch_shape: Sizes, _instance: Any = None) -> Self:
        """The same series for a larger batch."""
        size = self._event_shape[1]
        return self._around(expanded(self.base_dist, Size([*batch_shape, size])), _instance)

    def with_length_of(self, value: Tensor) -> Self:
        """These series, as long as ``value`` where they may have any length."""
        if not isinstance(self.base_dist, TorchDistributionMixin):
            return self
        base = self.base_dist.with_length_of(_apart(value))
        return self if base is self.base_dist else self._around(base)

    def log_prob(self, value: Tensor) -> Tensor:
        """Log-density of whole series, nats. Shape: ``(*batch,)``."""
        return self.base_dist.log_prob(_apart(value)).sum(-1)

    def sample(self, sample_shape: Sizes = Size()) -> Tensor:
        """Shape: ``(*sample_shape, *batch, steps, obs_dim)``."""
        return _together(self.base_dist.sample(sample_shape))

    def rsample(self, sample_shape: Sizes = Size()) -> Tensor:
        """As `sample`, with a pathwise derivative."""
        return _together(self.base_dist.rsample(sample_shape))

    @property
    def mean(self) -> Tensor:
        """Shape: ``(*batch, steps, obs_dim)``."""
        return _together(self.base_dist.mean)

    @property
    def variance(self) -> Tensor:
        """Shape: ``(*batch, steps, obs_dim)``."""
        return _together(self.base_dist.variance)

    def _around(self, base: td.Distribution, _instance: Any = None) -> Self:
        new = self._get_checked_instance(IndependentHMM, _instance)
        IndependentHMM.__init__(new, base)
        new._validate_args = self._validate_args
        return new


def _apart(value: Tensor) -> Tensor:
    """A series of vectors as series of numbers."""
    return value.mT.unsqueeze(-1)


def _together(value: Tensor) -> Tensor:
    return value.squeeze(-1).mT

"""The distribution of an empty value, which carries a factor."""

from __future__ import annotations

from typing import Any, Self

import torch
from torch import Size, Tensor
from torch.distributions import constraints

from virgil.distributions.core.shape_algebra import TorchDistributionMixin
from virgil.ops.broadcast import broadcast_shapes
from virgil.ops.sizes import Sizes

__all__ = ["Unit"]


class Unit(TorchDistributionMixin):
    """An empty value with a log-probability of one's choice; a ``factor`` statement observes it.

    Shape: event ``(0,)``.

    Args:
        log_factor: the log-probability of the empty value, nats. Shape: ``(*batch,)``.
        has_rsample: true where draws count as having a pathwise derivative. A guide says so: ``True`` if the factor was
            computed pathwise, ``False`` if it needs the score function.
    """

    arg_constraints = {"log_factor": constraints.real}
    support = constraints.real_vector

    def __init__(
        self, log_factor: Tensor | float, *, has_rsample: bool | None = None, validate_args: bool | None = None
    ) -> None:
        log_factor = log_factor if isinstance(log_factor, Tensor) else torch.as_tensor(float(log_factor))
        self.log_factor = log_factor
        if has_rsample is not None:
            self.has_rsample = has_rsample
        super().__init__(log_factor.shape, Size((0,)), validate_args=validate_args)

    def expand(self, batch_shape: Sizes, _instance: Any = None) -> Self:
        new = self._get_checked_instance(Unit, _instance)
        batch_shape = Size(batch_shape)
        new.log_factor = self.log_factor.expand(batch_shape)
        super(Unit, new).__init__(batch_shape, self._event_shape, validate_args=False)
        new._validate_args = self._validate_args
        return new

    @classmethod
    def infer_shapes(cls, **arg_shapes: Sizes) -> tuple[Size, Size]:
        return Size(arg_shapes.get("log_factor", ())), Size((0,))

    def sample(self, sample_shape: Sizes = Size()) -> Tensor:
        return self.log_factor.new_empty(self.shape(sample_shape))

    def rsample(self, sample_shape: Sizes = Size()) -> Tensor:
        return self.log_factor.new_empty(self.shape(sample_shape))

    def log_prob(self, value: Tensor) -> Tensor:
        batch = value.shape[:-1]
        if batch == self._batch_shape:
            return self.log_factor
        return self.log_factor.expand(broadcast_shapes(self._batch_shape, batch))

"""The uniform distribution on integers."""

from __future__ import annotations

import torch
from torch import Size, Tensor
from torch.distributions import constraints

from virgil.distributions.constraints import integer
from virgil.distributions.core.broadcast_parameters import broadcast_pair
from virgil.distributions.core.expand_methods import expand_parameters
from virgil.distributions.core.shape_algebra import TorchDistributionMixin
from virgil.ops.sizes import Sizes

__all__ = ["DiscreteUniform"]


@expand_parameters
class DiscreteUniform(TorchDistributionMixin):
    """An integer from ``low`` to ``high``, both included, each with the same probability.

    Each has the probability ``1 / (high - low + 1)``. Shape: parameters ``(*batch,)``, event ``()``.

    Args:
        low: the least integer.
        high: the greatest integer, not below ``low``; enumerable if all bounds are equal.
    """

    arg_constraints = {"low": integer, "high": integer}
    has_enumerate_support = True

    def __init__(self, low: Tensor | float = 0, high: Tensor | float = 1, *, validate_args: bool | None = None) -> None:
        self.low, self.high = broadcast_pair(low, high)
        super().__init__(self.low.shape, validate_args=validate_args)
        if self._validate_args and not bool((self.low <= self.high).all()):
            raise ValueError("DiscreteUniform got a greatest integer high below low. Exchange the two.")

    @constraints.dependent_property(is_discrete=True, event_dim=0)
    def support(self) -> constraints.Constraint:
        return constraints.integer_interval(self.low, self.high)

    def _count(self) -> Tensor:
        return (self.high - self.low + 1).double()

    def sample(self, sample_shape: Sizes = Size()) -> Tensor:
        with torch.no_grad():
            uniform = torch.rand(self.shape(sample_shape), dtype=torch.double, device=self.low.device)
            steps = torch.minimum((uniform * self._count()).floor(), self._count() - 1)
            return self.low + steps.to(self.low.dtype)

    def log_prob(self, value: Tensor) -> Tensor:
        if self._validate_args:
            self._validate_sample(value)
        inside = (value >= self.low) & (value <= self.high) & (value % 1 == 0)
        return torch.where(inside, -self._count().log(), -torch.inf).to(self._dtype())

    def cdf(self, value: Tensor) -> Tensor:
        """The probability of an integer up to ``value``, any number."""
        steps = (value.floor() - self.low + 1).double()
        return (steps / self._count()).clamp(0.0, 1.0).to(self._dtype())

    def icdf(self, value: Tensor) -> Tensor:
        """The least integer of which the ``cdf`` reaches ``value``."""
        steps = (value.double() * self._count()).ceil() - 1
        return self.low + torch.minimum(steps.clamp_min(0.0), self._count() - 1).to(self.low.dtype)

    def entropy(self) -> Tensor:
        return self._count().log().to(self._dtype())

    def _dtype(self) -> torch.dtype:
        return self.low.dtype if self.low.is_floating_point() else torch.get_default_dtype()

    @property
    def mean(self) -> Tensor:
        return (self.low + self.high) / 2

    @property
    def variance(self) -> Tensor:
        return ((self._count().square() - 1) / 12).to(self._dtype())

    def enumerate_support(self, expand: bool = True) -> Tensor:
        low, high = int(self.low.min()), int(self.high.min())
        if not bool(((self.low == low) & (self.high == high)).all()):
            raise NotImplementedError("DiscreteUniform with unequal bounds has no common support to enumerate.")
        values = torch.arange(low, high + 1, dtype=self.low.dtype, device=self.low.device)
        values = values.reshape((-1,) + (1,) * len(self._batch_shape))
        return values.expand((-1, *self._batch_shape)) if expand else values

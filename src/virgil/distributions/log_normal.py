"""The log-normal distribution."""

from __future__ import annotations

from typing import Any, Self, cast

from torch import Size, Tensor
from torch import distributions as td
from torch.distributions.transforms import ExpTransform
from torch.types import _size

from virgil.distributions.core.shape_algebra import TorchDistributionMixin
from virgil.distributions.normal import Normal

__all__ = ["LogNormal"]


class LogNormal(TorchDistributionMixin, td.LogNormal):
    """On positive numbers: the exponential of a normal variable.

    Args:
        loc: mean of the logarithm.
        scale: standard deviation of the logarithm, > 0.
    """

    def __init__(self, loc: Tensor | float, scale: Tensor | float, validate_args: bool | None = None) -> None:
        # loc and scale are read from base_dist and checked as this distribution's own arguments
        self.base_dist = Normal(loc, scale, validate_args=False)
        self.transforms = [ExpTransform()]
        td.Distribution.__init__(self, self.base_dist.batch_shape, Size(), validate_args=validate_args)

    def expand(self, batch_shape: _size, _instance: Any = None) -> Self:
        new = self._get_checked_instance(LogNormal, _instance)
        return super().expand(batch_shape, new)

    def log_prob(self, value: Tensor) -> Tensor:
        if self._validate_args:
            self._validate_sample(value)
        log_value = value.log()
        return cast(Tensor, self.base_dist.log_prob(log_value) - log_value)

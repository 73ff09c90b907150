"""The log-normal distribution."""

from __future__ import annotations

from typing import cast

from torch import Size, Tensor
from torch import distributions as td
from torch.distributions.transforms import ExpTransform

from virgil.distributions.continuous.normal import Normal
from virgil.distributions.core.expand_methods import expand_as_torch
from virgil.distributions.core.shape_algebra import TorchDistributionMixin

__all__ = ["LogNormal"]


@expand_as_torch
class LogNormal(TorchDistributionMixin, td.LogNormal):
    """A positive number, the exponential of a normal variable.

    The density is ``exp(-((log(x) - loc) / scale)**2 / 2) / (x * scale * sqrt(2 * pi))``. Shape: parameters
    ``(*batch,)``, event ``()``.

    Args:
        loc: mean of the logarithm.
        scale: standard deviation of the logarithm, > 0.
    """

    def __init__(self, loc: Tensor | float, scale: Tensor | float, validate_args: bool | None = None) -> None:
        # loc and scale are read from base_dist and checked as this distribution's own arguments
        self.base_dist = Normal(loc, scale, validate_args=False)
        self.transforms = [ExpTransform()]
        td.Distribution.__init__(self, self.base_dist.batch_shape, Size(), validate_args=validate_args)

    def log_prob(self, value: Tensor) -> Tensor:
        if self._validate_args:
            self._validate_sample(value)
        log_value = value.log()
        return cast(Tensor, self.base_dist.log_prob(log_value) - log_value)

"""The skewed logistic distribution."""

from __future__ import annotations

import math

import torch
from torch import Size, Tensor
from torch.distributions import constraints
from torch.distributions.utils import broadcast_all
from torch.nn.functional import logsigmoid

from virgil.distributions.core.expand_methods import expand_parameters
from virgil.distributions.core.shape_algebra import TorchDistributionMixin
from virgil.distributions.core.uniform_draws import open_unit_interval
from virgil.ops.sizes import Sizes

__all__ = ["SkewLogistic"]

_EULER = 0.5772156649015329  # -digamma(1)


@expand_parameters
class SkewLogistic(TorchDistributionMixin):
    """A real number with distribution function ``(1 + exp(-(x - loc) / scale)) ** -asymmetry``.

    It is the generalised logistic distribution of type I *(Johnson, Kotz and Balakrishnan 1995, section 23.10)*, and
    the `Logistic` where the asymmetry is 1. Shape: parameters ``(*batch,)``, event ``()``.

    Args:
        loc: the mean of the symmetric one.
        scale: > 0.
        asymmetry: > 0; above 1 it leans to the right, below to the left.
    """

    arg_constraints = {"loc": constraints.real, "scale": constraints.positive, "asymmetry": constraints.positive}
    support = constraints.real
    has_rsample = True

    def __init__(
        self,
        loc: Tensor | float,
        scale: Tensor | float,
        asymmetry: Tensor | float = 1.0,
        *,
        validate_args: bool | None = None,
    ) -> None:
        self.loc, self.scale, self.asymmetry = broadcast_all(loc, scale, asymmetry)
        super().__init__(self.loc.shape, validate_args=validate_args)

    def rsample(self, sample_shape: Sizes = Size()) -> Tensor:
        return self.icdf(open_unit_interval(self.shape(sample_shape), self.loc))

    def log_prob(self, value: Tensor) -> Tensor:
        if self._validate_args:
            self._validate_sample(value)
        z, asymmetry = (value - self.loc) / self.scale, self.asymmetry
        return asymmetry.log() - self.scale.log() + asymmetry * logsigmoid(z) + logsigmoid(-z)

    def cdf(self, value: Tensor) -> Tensor:
        if self._validate_args:
            self._validate_sample(value)
        return (self.asymmetry * logsigmoid((value - self.loc) / self.scale)).exp()

    def icdf(self, value: Tensor) -> Tensor:
        above = -value.log() / self.asymmetry
        # -log(exp(above) - 1), which overflows nowhere
        return self.loc - self.scale * (above + (-torch.expm1(-above)).log())

    @property
    def mean(self) -> Tensor:
        return self.loc + self.scale * (torch.digamma(self.asymmetry) + _EULER)

    @property
    def variance(self) -> Tensor:
        return self.scale.square() * (torch.polygamma(1, self.asymmetry) + math.pi**2 / 6)

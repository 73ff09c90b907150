"""The hyperbolic secant distribution."""

from __future__ import annotations

import math

import torch
from torch import Size, Tensor
from torch.distributions import constraints
from torch.nn.functional import logsigmoid

from virgil.distributions.core.broadcast_parameters import broadcast_pair
from virgil.distributions.core.expand_methods import expand_parameters
from virgil.distributions.core.shape_algebra import TorchDistributionMixin
from virgil.distributions.core.uniform_draws import open_unit_interval
from virgil.ops.sizes import Sizes

__all__ = ["SoftLaplace"]


@expand_parameters
class SoftLaplace(TorchDistributionMixin):
    """A real number with density ``1 / (pi * scale * cosh((x - loc) / scale))``: a Laplace's tails, and smooth.

    It is the hyperbolic secant distribution *(Johnson, Kotz and Balakrishnan 1995, section 23.11)*. Shape: parameters
    ``(*batch,)``, event ``()``.

    Args:
        loc: mean.
        scale: > 0; the standard deviation is ``pi * scale / 2``.
    """

    arg_constraints = {"loc": constraints.real, "scale": constraints.positive}
    support = constraints.real
    has_rsample = True

    def __init__(self, loc: Tensor | float, scale: Tensor | float, *, validate_args: bool | None = None) -> None:
        self.loc, self.scale = broadcast_pair(loc, scale)
        super().__init__(self.loc.shape, validate_args=validate_args)

    def rsample(self, sample_shape: Sizes = Size()) -> Tensor:
        uniform = open_unit_interval(self.shape(sample_shape), self.loc)
        size = torch.tan(math.pi / 2 * torch.minimum(uniform, 1 - uniform)).log()
        return torch.addcmul(self.loc, self.scale, torch.copysign(size, uniform - 0.5))

    def log_prob(self, value: Tensor) -> Tensor:
        if self._validate_args:
            self._validate_sample(value)
        z = (value - self.loc) / self.scale
        return logsigmoid(2 * z) - z - (self.scale.log() + math.log(math.pi / 2))

    def cdf(self, value: Tensor) -> Tensor:
        if self._validate_args:
            self._validate_sample(value)
        z = (value - self.loc) / self.scale
        tail = torch.atan((-z.abs()).exp()) * (2 / math.pi)
        return torch.where(z < 0, tail, 1 - tail)

    def icdf(self, value: Tensor) -> Tensor:
        below = value < 0.5
        tail = torch.tan(math.pi / 2 * torch.where(below, value, 1 - value)).log()
        return self.loc + self.scale * torch.where(below, tail, -tail)

    def entropy(self) -> Tensor:
        return self.scale.log() + math.log(2 * math.pi)

    @property
    def mean(self) -> Tensor:
        return self.loc

    @property
    def mode(self) -> Tensor:
        return self.loc

    @property
    def variance(self) -> Tensor:
        return self.scale.square() * (math.pi**2 / 4)

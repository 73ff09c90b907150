"""The logistic distribution."""

from __future__ import annotations

import math

import torch
from torch import Size, Tensor
from torch.distributions import constraints
from torch.nn.functional import logsigmoid

from virgil.distributions.core.broadcast_parameters import broadcast_pair
from virgil.distributions.core.expand_methods import expand_parameters
from virgil.distributions.core.shape_algebra import TorchDistributionMixin
from virgil.distributions.core.tails import symmetric_tails
from virgil.distributions.core.uniform_draws import open_unit_interval
from virgil.ops.sizes import Sizes

__all__ = ["Logistic"]


@expand_parameters
class Logistic(TorchDistributionMixin):
    """A real number with distribution function ``1 / (1 + exp(-(x - loc) / scale))``.

    It is smooth, with the tails of a Laplace distribution *(Johnson, Kotz and Balakrishnan 1995, chapter 23)*. Shape:
    parameters ``(*batch,)``, event ``()``.

    Args:
        loc: mean.
        scale: > 0; the standard deviation is ``pi * scale / sqrt(3)``.
    """

    arg_constraints = {"loc": constraints.real, "scale": constraints.positive}
    support = constraints.real
    has_rsample = True
    _tails = symmetric_tails(logsigmoid, torch.logit)

    def __init__(self, loc: Tensor | float, scale: Tensor | float, *, validate_args: bool | None = None) -> None:
        self.loc, self.scale = broadcast_pair(loc, scale)
        super().__init__(self.loc.shape, validate_args=validate_args)

    def rsample(self, sample_shape: Sizes = Size()) -> Tensor:
        uniform = open_unit_interval(self.shape(sample_shape), self.loc)
        return torch.addcmul(self.loc, self.scale, torch.logit(uniform))

    def log_prob(self, value: Tensor) -> Tensor:
        if self._validate_args:
            self._validate_sample(value)
        z = (value - self.loc) / self.scale
        return torch.add(z, logsigmoid(-z), alpha=2) - self.scale.log()  # logsigmoid(z) is z + logsigmoid(-z)

    def cdf(self, value: Tensor) -> Tensor:
        if self._validate_args:
            self._validate_sample(value)
        return torch.sigmoid((value - self.loc) / self.scale)

    def icdf(self, value: Tensor) -> Tensor:
        return self.loc + self.scale * torch.logit(value)

    def entropy(self) -> Tensor:
        return self.scale.log() + 2

    @property
    def mean(self) -> Tensor:
        return self.loc

    @property
    def mode(self) -> Tensor:
        return self.loc

    @property
    def variance(self) -> Tensor:
        return self.scale.square() * (math.pi**2 / 3)

"""The half-normal distribution."""

from __future__ import annotations

import math

import torch
from torch import Size, Tensor
from torch import distributions as td
from torch.distributions.transforms import AbsTransform

from virgil.distributions.continuous.normal import Normal
from virgil.distributions.core.divergence import divergence
from virgil.distributions.core.expand_methods import expand_as_torch
from virgil.distributions.core.shape_algebra import TorchDistributionMixin

__all__ = ["HalfNormal"]


@expand_as_torch
class HalfNormal(TorchDistributionMixin, td.HalfNormal):
    """A nonnegative number, the absolute value of a centred normal.

    The density is ``sqrt(2 / pi) / scale * exp(-(x / scale)**2 / 2)``. Shape: parameters ``(*batch,)``, event ``()``.

    Args:
        scale: standard deviation of the normal, > 0.
    """

    def __init__(self, scale: Tensor | float, validate_args: bool | None = None) -> None:
        self.base_dist = Normal(0.0, scale, validate_args=False)
        self.transforms = [AbsTransform()]
        td.Distribution.__init__(self, self.base_dist.batch_shape, Size(), validate_args=validate_args)

    def log_prob(self, value: Tensor) -> Tensor:
        if self._validate_args:
            self._validate_sample(value)
        return torch.where(value >= 0, self.base_dist.log_prob(value) + math.log(2), -torch.inf)


@divergence(HalfNormal, HalfNormal)
def _kl_half_normal(p: td.HalfNormal, q: td.HalfNormal) -> Tensor:
    ratio = p.scale / q.scale
    return (ratio.square() - 1) / 2 - ratio.log()

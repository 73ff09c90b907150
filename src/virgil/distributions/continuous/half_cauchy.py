"""The half-Cauchy distribution, a usual prior of standard deviations *(Gelman 2006)*."""

from __future__ import annotations

import math

import torch
from torch import Size, Tensor
from torch import distributions as td
from torch.distributions.transforms import AbsTransform

from virgil.distributions.continuous.cauchy import Cauchy
from virgil.distributions.core.broadcast_parameters import broadcast_pair
from virgil.distributions.core.divergence import divergence
from virgil.distributions.core.expand_methods import expand_as_torch
from virgil.distributions.core.shape_algebra import TorchDistributionMixin
from virgil.ops.double_precision import in_double

__all__ = ["HalfCauchy"]

_LOG_TWO_OVER_PI = math.log(2 / math.pi)


@expand_as_torch
class HalfCauchy(TorchDistributionMixin, td.HalfCauchy):
    """A nonnegative number with density ``2 / (pi * scale * (1 + (x / scale)**2))``; it has no moments.

    Shape: parameters ``(*batch,)``, event ``()``.

    Args:
        scale: median, > 0.
    """

    def __init__(self, scale: Tensor | float, validate_args: bool | None = None) -> None:
        self.base_dist = Cauchy(*broadcast_pair(0.0, scale), validate_args=False)
        self.transforms = [AbsTransform()]
        td.Distribution.__init__(self, self.base_dist.batch_shape, Size(), validate_args=validate_args)

    def log_prob(self, value: Tensor) -> Tensor:
        if self._validate_args:
            self._validate_sample(value)
        return _log_prob(value, self.base_dist.scale)


def _log_prob(value: Tensor, scale: Tensor) -> Tensor:
    # hypot neither over- nor underflows before the density does
    spread = torch.hypot(value, scale).log()
    density = torch.sub(scale.log() + _LOG_TWO_OVER_PI, spread, alpha=2)
    return torch.where(value >= 0, density, -torch.inf)


@divergence(HalfCauchy, HalfCauchy)
def _kl_half_cauchy(p: td.HalfCauchy, q: td.HalfCauchy) -> Tensor:
    return in_double(_divergence, p.scale, q.scale)


def _divergence(scale: Tensor, other: Tensor) -> Tensor:
    """*(Chyzak and Nielsen 2019)*, of both halves of two Cauchy distributions around zero."""
    half = (scale.log() - other.log()) / 2
    return 2 * (half.abs() + torch.log1p((-2 * half.abs()).exp()) - math.log(2))

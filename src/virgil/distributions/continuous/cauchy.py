"""The Cauchy distribution."""

from __future__ import annotations

import math

import torch
from torch import Tensor
from torch import distributions as td

from virgil.distributions.core.divergence import divergence
from virgil.distributions.core.shape_algebra import TorchDistributionMixin
from virgil.ops.double_precision import in_double

__all__ = ["Cauchy"]


class Cauchy(TorchDistributionMixin, td.Cauchy):
    """A real number with density ``1 / (pi * scale * (1 + ((x - loc) / scale)**2))``; it has no moments.

    Shape: parameters ``(*batch,)``, event ``()``.

    Args:
        loc: median.
        scale: half the distance between the quartiles, > 0.
    """

    def log_prob(self, value: Tensor) -> Tensor:
        if self._validate_args:
            self._validate_sample(value)
        # hypot neither over- nor underflows before the density does
        spread = torch.hypot(value - self.loc, self.scale).log()
        return torch.sub(self.scale.log() - math.log(math.pi), spread, alpha=2)


@divergence(Cauchy, Cauchy)
def _kl_cauchy(p: td.Cauchy, q: td.Cauchy) -> Tensor:
    return in_double(_divergence, p.loc, p.scale, q.loc, q.scale)


def _divergence(loc: Tensor, scale: Tensor, other_loc: Tensor, other_scale: Tensor) -> Tensor:
    """*(Chyzak and Nielsen 2019)*."""
    return torch.log1p(((scale - other_scale).square() + (loc - other_loc).square()) / (4 * scale * other_scale))

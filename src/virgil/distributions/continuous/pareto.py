"""The Pareto distribution."""

from __future__ import annotations

import torch
from torch import Tensor
from torch import distributions as td

from virgil.distributions.core.shape_algebra import TorchDistributionMixin

__all__ = ["Pareto"]


class Pareto(TorchDistributionMixin, td.Pareto):
    """A number above ``scale`` with density ``alpha * scale**alpha / x**(alpha + 1)``.

    Shape: parameters ``(*batch,)``, event ``()``.

    Args:
        scale: lower bound, > 0.
        alpha: exponent of the tail, > 0; moments of this order and above do not exist.
    """

    has_rsample = True

    def log_prob(self, value: Tensor) -> Tensor:
        if self._validate_args:
            self._validate_sample(value)
        dtype = torch.promote_types(value.dtype, self.scale.dtype)
        # near the bound the logarithm of the ratio would leave no digits, and single precision may not hold the ratio
        depth = torch.log1p((value.double() - self.scale) / self.scale)
        return (self.alpha.log() - value.log() - self.alpha * depth).to(dtype)

"""The half-Cauchy distribution."""

from __future__ import annotations

from torch import distributions as td

from virgil.distributions.shape_algebra import TorchDistributionMixin

__all__ = [
    "HalfCauchy",
]


class HalfCauchy(TorchDistributionMixin, td.HalfCauchy):
    """The half-Cauchy distribution."""

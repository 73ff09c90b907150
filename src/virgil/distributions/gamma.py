"""The gamma distribution."""

from __future__ import annotations

from torch import distributions as td

from virgil.distributions.shape_algebra import TorchDistributionMixin

__all__ = [
    "Gamma",
]


class Gamma(TorchDistributionMixin, td.Gamma):
    """The gamma distribution."""

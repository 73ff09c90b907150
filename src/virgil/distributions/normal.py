"""The normal distribution."""

from __future__ import annotations

from torch import distributions as td

from virgil.distributions.shape_algebra import TorchDistributionMixin

__all__ = [
    "Normal",
]


class Normal(TorchDistributionMixin, td.Normal):
    """The normal distribution."""

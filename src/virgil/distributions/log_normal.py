"""The log-normal distribution."""

from __future__ import annotations

from torch import distributions as td

from virgil.distributions.shape_algebra import TorchDistributionMixin

__all__ = [
    "LogNormal",
]


class LogNormal(TorchDistributionMixin, td.LogNormal):
    """The log-normal distribution."""

"""The base classes of distributions that only old programs name."""

from __future__ import annotations

from torch import distributions as td

from virgil.distributions.core.distribution import Distribution
from virgil.distributions.core.shape_algebra import TorchDistributionMixin

__all__ = ["DistributionMeta", "ExponentialFamily"]

DistributionMeta = type(Distribution)


class ExponentialFamily(TorchDistributionMixin, td.ExponentialFamily):
    """Abstract base of exponential families, with the shape algebra of plates."""

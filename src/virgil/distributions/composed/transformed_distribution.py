"""The image of a distribution under invertible maps."""

from __future__ import annotations

from torch import distributions as td

from virgil.distributions.core.shape_algebra import TorchDistributionMixin

__all__ = ["TransformedDistribution"]


class TransformedDistribution(TorchDistributionMixin, td.TransformedDistribution):
    """The distribution of ``f(x)`` for x from ``base_distribution`` and an invertible map f.

    Its log-density at y is that of x less the log of ``|det df/dx|``. Shape: the transforms decide.

    Args:
        base_distribution: the distribution before the maps.
        transforms: one transform, or a list of them, applied first to last.
    """

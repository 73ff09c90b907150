"""The logistic normal distribution."""

from __future__ import annotations

from torch import distributions as td

from virgil.distributions.core.shape_algebra import TorchDistributionMixin

__all__ = ["LogisticNormal"]


class LogisticNormal(TorchDistributionMixin, td.LogisticNormal):
    """A vector on the simplex, the stick-breaking image of independent normals.

    Shape: event ``(n,)``.

    Args:
        loc: means before the transform. Shape: ``(*batch, n - 1)``.
        scale: standard deviations before the transform, > 0. Shape: ``(*batch, n - 1)``.
    """

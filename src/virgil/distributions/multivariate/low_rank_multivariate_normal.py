"""The normal distribution of vectors with a covariance of low rank plus a diagonal."""

from __future__ import annotations

from torch import distributions as td

from virgil.distributions.core.shape_algebra import TorchDistributionMixin

__all__ = ["LowRankMultivariateNormal"]


class LowRankMultivariateNormal(TorchDistributionMixin, td.LowRankMultivariateNormal):
    """A normal vector with covariance ``cov_factor @ cov_factor.T + diag(cov_diag)``.

    Shape: event ``(n,)``.

    Args:
        loc: mean. Shape: ``(*batch, n)``.
        cov_factor: Shape: ``(*batch, n, rank)``.
        cov_diag: > 0. Shape: ``(*batch, n)``.
    """

"""The normal distribution of vectors."""

from __future__ import annotations

from torch import distributions as td

from virgil.distributions.core.shape_algebra import TorchDistributionMixin

__all__ = ["MultivariateNormal"]


class MultivariateNormal(TorchDistributionMixin, td.MultivariateNormal):
    """A normal vector; exactly one of the three matrices is given, ``scale_tril`` being the cheapest.

    The density is proportional to ``exp(-(x - loc) @ precision @ (x - loc) / 2)``. Shape: event ``(n,)``.

    Args:
        loc: mean. Shape: ``(*batch, n)``.
        covariance_matrix: positive definite. Shape: ``(*batch, n, n)``.
        precision_matrix: inverse of the covariance. Shape: ``(*batch, n, n)``.
        scale_tril: lower Cholesky factor of the covariance. Shape: ``(*batch, n, n)``.
    """

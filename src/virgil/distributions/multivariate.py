"""Families of vectors and matrices that torch has complete.

Names and parameters are torch's. Parameters that are vectors have shape (*batch, n), matrices (*batch, n, n).
"""

from __future__ import annotations

from torch import distributions as td

from virgil.distributions.core.shape_algebra import TorchDistributionMixin

__all__ = [
    "Dirichlet",
    "LogisticNormal",
    "LowRankMultivariateNormal",
    "MultivariateNormal",
    "RelaxedOneHotCategorical",
]


class Dirichlet(TorchDistributionMixin, td.Dirichlet):
    """On the simplex with density proportional to ``prod(x**(concentration - 1))``.

    Args:
        concentration: positive. Shape: (*batch, n).
    """


class LogisticNormal(TorchDistributionMixin, td.LogisticNormal):
    """On the simplex: the stick-breaking image of independent normals.

    Args:
        loc: means before the transform. Shape: (*batch, n - 1).
        scale: standard deviations before the transform, > 0. Shape: (*batch, n - 1).
    """


class LowRankMultivariateNormal(TorchDistributionMixin, td.LowRankMultivariateNormal):
    """Normal vectors with covariance ``cov_factor @ cov_factor.T + diag(cov_diag)``.

    Args:
        loc: mean. Shape: (*batch, n).
        cov_factor: Shape: (*batch, n, rank).
        cov_diag: > 0. Shape: (*batch, n).
    """


class MultivariateNormal(TorchDistributionMixin, td.MultivariateNormal):
    """Normal vectors; exactly one of the three matrices is given, ``scale_tril`` being the cheapest.

    Args:
        loc: mean. Shape: (*batch, n).
        covariance_matrix: positive definite. Shape: (*batch, n, n).
        precision_matrix: inverse of the covariance. Shape: (*batch, n, n).
        scale_tril: lower Cholesky factor of the covariance. Shape: (*batch, n, n).
    """


class RelaxedOneHotCategorical(TorchDistributionMixin, td.RelaxedOneHotCategorical):
    """One-hot vectors made continuous, inside the simplex *(Maddison, Mnih and Teh 2017; Jang, Gu and Poole 2017)*.

    Args:
        temperature: > 0; towards 0 draws gather at the corners.
        probs: weights of the labels. Shape: (*batch, n).
        logits: log weights, in place of ``probs``. Shape: (*batch, n).
    """

"""Families whose draws have no pathwise derivative, for tests of estimators that use the score."""

from __future__ import annotations

from virgil.distributions.continuous.beta import Beta
from virgil.distributions.continuous.gamma import Gamma
from virgil.distributions.continuous.normal import Normal
from virgil.distributions.multivariate.dirichlet import Dirichlet

__all__ = [
    "NonreparameterizedBeta",
    "NonreparameterizedDirichlet",
    "NonreparameterizedGamma",
    "NonreparameterizedNormal",
]


class NonreparameterizedBeta(Beta):
    """The beta distribution without pathwise draws."""

    has_rsample = False


class NonreparameterizedDirichlet(Dirichlet):
    """The Dirichlet distribution without pathwise draws."""

    has_rsample = False


class NonreparameterizedGamma(Gamma):
    """The gamma distribution without pathwise draws."""

    has_rsample = False


class NonreparameterizedNormal(Normal):
    """The normal distribution without pathwise draws."""

    has_rsample = False

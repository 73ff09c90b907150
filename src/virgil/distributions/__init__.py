"""Probability distributions: every family of ``torch.distributions``, with the shape algebra of plates added.

Every family here has ``expand_by``, ``to_event``, ``mask``, ``shape`` and is called to draw from it
(:mod:`~virgil.distributions.shape_algebra`). Families that torch lacks stand one in a file: `Delta`, `Unit`,
`MaskedDistribution`. Sets and maps between them are in :mod:`~virgil.distributions.constraints` and
:mod:`~virgil.distributions.transforms`, divergences in :mod:`~virgil.distributions.kl`, and whether arguments and
values are checked in :mod:`~virgil.distributions.validation`. For a distribution of your own derive from
`TorchDistribution`; a plain ``torch.distributions`` object works at a ``sample`` statement as well.
"""

from __future__ import annotations

from virgil.distributions import constraints, transforms
from virgil.distributions.bernoulli import Bernoulli
from virgil.distributions.categorical import Categorical
from virgil.distributions.composite import MixtureSameFamily, TransformedDistribution
from virgil.distributions.continuous import (
    Beta,
    Cauchy,
    Chi2,
    ContinuousBernoulli,
    Exponential,
    FisherSnedecor,
    Gamma,
    GeneralizedPareto,
    Gumbel,
    InverseGamma,
    Kumaraswamy,
    Laplace,
    Pareto,
    RelaxedBernoulli,
    StudentT,
    Uniform,
    VonMises,
    Weibull,
)
from virgil.distributions.delta import Delta
from virgil.distributions.discrete import Binomial, Geometric, NegativeBinomial, Poisson
from virgil.distributions.half_cauchy import HalfCauchy
from virgil.distributions.kl import kl_divergence, register_kl
from virgil.distributions.log_normal import LogNormal
from virgil.distributions.multivariate import (
    Dirichlet,
    LKJCholesky,
    LogisticNormal,
    LowRankMultivariateNormal,
    Multinomial,
    MultivariateNormal,
    OneHotCategorical,
    OneHotCategoricalStraightThrough,
    RelaxedOneHotCategorical,
    Wishart,
)
from virgil.distributions.normal import HalfNormal, Normal
from virgil.distributions.shape_algebra import (
    Distribution,
    Independent,
    MaskedDistribution,
    TorchDistribution,
    TorchDistributionMixin,
)
from virgil.distributions.transforms import biject_to, transform_to
from virgil.distributions.unit import Unit
from virgil.distributions.validation import enable_validation, is_validating

__all__ = [
    "Bernoulli",
    "Beta",
    "Binomial",
    "Categorical",
    "Cauchy",
    "Chi2",
    "ContinuousBernoulli",
    "Delta",
    "Dirichlet",
    "Distribution",
    "Exponential",
    "FisherSnedecor",
    "Gamma",
    "GeneralizedPareto",
    "Geometric",
    "Gumbel",
    "HalfCauchy",
    "HalfNormal",
    "Independent",
    "InverseGamma",
    "Kumaraswamy",
    "LKJCholesky",
    "Laplace",
    "LogNormal",
    "LogisticNormal",
    "LowRankMultivariateNormal",
    "MaskedDistribution",
    "MixtureSameFamily",
    "Multinomial",
    "MultivariateNormal",
    "NegativeBinomial",
    "Normal",
    "OneHotCategorical",
    "OneHotCategoricalStraightThrough",
    "Pareto",
    "Poisson",
    "RelaxedBernoulli",
    "RelaxedOneHotCategorical",
    "StudentT",
    "TorchDistribution",
    "TorchDistributionMixin",
    "TransformedDistribution",
    "Uniform",
    "Unit",
    "VonMises",
    "Weibull",
    "Wishart",
    "biject_to",
    "constraints",
    "enable_validation",
    "is_validating",
    "kl_divergence",
    "register_kl",
    "transform_to",
    "transforms",
]

"""Probability distributions: every family of ``torch.distributions``, with the shape algebra of plates added.

Every family here has ``expand_by``, ``to_event``, ``mask``, ``shape`` and is called to draw from it
(:mod:`~virgil.distributions.core.shape_algebra`). Sets and maps between them are in
:mod:`~virgil.distributions.constraints` and :mod:`~virgil.distributions.transforms`, divergences in
:mod:`~virgil.distributions.kl`. For a distribution of your own derive from `TorchDistribution`; a plain
``torch.distributions`` object works at a ``sample`` statement as well.
"""

from __future__ import annotations

from virgil.distributions import constraints, transforms
from virgil.distributions.bernoulli import Bernoulli
from virgil.distributions.beta_binomial import BetaBinomial
from virgil.distributions.categorical import Categorical
from virgil.distributions.composite import MixtureSameFamily, TransformedDistribution
from virgil.distributions.continuous import (
    Cauchy,
    Chi2,
    ContinuousBernoulli,
    Exponential,
    FisherSnedecor,
    Gamma,
    Gumbel,
    Kumaraswamy,
    Laplace,
    Pareto,
    RelaxedBernoulli,
    Uniform,
)
from virgil.distributions.core.distribution import Distribution
from virgil.distributions.core.expanded_distribution import ExpandedDistribution
from virgil.distributions.core.shape_algebra import (
    Independent,
    MaskedDistribution,
    TorchDistributionMixin,
)
from virgil.distributions.core.validation import enable_validation, is_validating
from virgil.distributions.delta import Delta
from virgil.distributions.discrete import Binomial, Geometric, NegativeBinomial, Poisson
from virgil.distributions.discrete_hmm import DiscreteHMM
from virgil.distributions.empirical import Empirical
from virgil.distributions.folded import FoldedDistribution
from virgil.distributions.gamma_poisson import GammaPoisson
from virgil.distributions.generalized_pareto import GeneralizedPareto
from virgil.distributions.half_cauchy import HalfCauchy
from virgil.distributions.improper_uniform import ImproperUniform
from virgil.distributions.kl import kl_divergence, register_kl
from virgil.distributions.lkj_cholesky import LKJCholesky
from virgil.distributions.log_normal import LogNormal
from virgil.distributions.multivariate import (
    Dirichlet,
    LogisticNormal,
    LowRankMultivariateNormal,
    MultivariateNormal,
    RelaxedOneHotCategorical,
)
from virgil.distributions.nested import (
    Beta,
    InverseGamma,
    Multinomial,
    OneHotCategorical,
    OneHotCategoricalStraightThrough,
    StudentT,
    Weibull,
)
from virgil.distributions.normal import HalfNormal, Normal
from virgil.distributions.torch_distribution import TorchDistribution
from virgil.distributions.transforms import biject_to, transform_to
from virgil.distributions.unit import Unit
from virgil.distributions.von_mises import VonMises
from virgil.distributions.wishart import Wishart

__all__ = [
    "Bernoulli",
    "Beta",
    "BetaBinomial",
    "Binomial",
    "Categorical",
    "Cauchy",
    "Chi2",
    "ContinuousBernoulli",
    "Delta",
    "Dirichlet",
    "DiscreteHMM",
    "Distribution",
    "Empirical",
    "ExpandedDistribution",
    "Exponential",
    "FisherSnedecor",
    "FoldedDistribution",
    "Gamma",
    "GammaPoisson",
    "GeneralizedPareto",
    "Geometric",
    "Gumbel",
    "HalfCauchy",
    "HalfNormal",
    "ImproperUniform",
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

"""Probability distributions: every family of ``torch.distributions``, with the shape algebra of plates added.

Families stand one in a file, in wings by what they are families of:

:mod:`~virgil.distributions.continuous`               one real number
:mod:`~virgil.distributions.discrete`                 one count, or labels and their counts
:mod:`~virgil.distributions.multivariate`             vectors
:mod:`~virgil.distributions.directional`              angles and directions
:mod:`~virgil.distributions.matrix`                   matrices
:mod:`~virgil.distributions.combinatorial`            matchings and trees
:mod:`~virgil.distributions.time_series`              whole sequences
:mod:`~virgil.distributions.composed`                 made of other distributions, samples, one value, a set

Every family has ``expand_by``, ``to_event``, ``mask``, ``shape`` and is called to draw from it
(:mod:`~virgil.distributions.core.shape_algebra`). Sets and the maps onto them are in
:mod:`~virgil.distributions.constraints` and :mod:`~virgil.distributions.transforms`, divergences in
:mod:`~virgil.distributions.kl`. For a distribution of your own derive from `TorchDistribution`; a plain
``torch.distributions`` object works at a ``sample`` statement as well.

A family's file is loaded when a program first asks for the family.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from virgil.distributions import (
    combinatorial,
    composed,
    constraints,
    continuous,
    directional,
    discrete,
    matrix,
    multivariate,
    time_series,
    transforms,
)
from virgil.distributions.core import lazy_names
from virgil.distributions.core.distribution import Distribution
from virgil.distributions.core.shape_algebra import (
    ExpandedDistribution,
    Independent,
    MaskedDistribution,
    TorchDistributionMixin,
)
from virgil.distributions.core.validation import enable_validation, is_validating, validation_enabled
from virgil.distributions.kl import kl_divergence, register_kl
from virgil.distributions.torch_distribution import TorchDistribution
from virgil.distributions.transforms import biject_to, transform_to

if TYPE_CHECKING:
    from virgil.distributions.combinatorial import *
    from virgil.distributions.composed import *
    from virgil.distributions.continuous import *
    from virgil.distributions.directional import *
    from virgil.distributions.discrete import *
    from virgil.distributions.matrix import *
    from virgil.distributions.multivariate import *
    from virgil.distributions.time_series import *
else:
    _wings = (combinatorial, composed, continuous, directional, discrete, matrix, multivariate, time_series)
    __getattr__, __dir__ = lazy_names.load_from(
        __name__, {name: wing.__name__ for wing in _wings for name in wing.__all__}
    )

__all__ = [
    "AR",
    "AVFMultivariateNormal",
    "AffineBeta",
    "AsymmetricLaplace",
    "Bernoulli",
    "Beta",
    "BetaBinomial",
    "BetaProportion",
    "Binomial",
    "CAR",
    "Categorical",
    "Cauchy",
    "Censored",
    "Chi2",
    "CoalescentRateLikelihood",
    "CoalescentTimes",
    "CoalescentTimesWithRate",
    "CompoundDistribution",
    "ConditionalDistribution",
    "ConditionalTransformedDistribution",
    "ConstantConditionalDistribution",
    "ContinuousBernoulli",
    "Delta",
    "Dirichlet",
    "DirichletMultinomial",
    "DiscreteHMM",
    "DiscreteUniform",
    "Distribution",
    "Empirical",
    "EulerMaruyama",
    "ExGaussian",
    "ExpandedDistribution",
    "Exponential",
    "ExtendedBetaBinomial",
    "ExtendedBinomial",
    "FisherSnedecor",
    "FoldedDistribution",
    "Gamma",
    "GammaGaussianHMM",
    "GammaPoisson",
    "GaussianHMM",
    "GaussianMRF",
    "GaussianRandomWalk",
    "GaussianScaleMixture",
    "GeneralizedPareto",
    "Geometric",
    "GroupedNormalNormal",
    "Gumbel",
    "HalfCauchy",
    "HalfNormal",
    "HurdleDistribution",
    "HyperGeometric",
    "ImproperUniform",
    "Independent",
    "IndependentHMM",
    "InverseGamma",
    "InverseGaussian",
    "Kumaraswamy",
    "LKJ",
    "LKJCholesky",
    "Laplace",
    "LeftTruncatedDistribution",
    "LinearHMM",
    "LogNormal",
    "LogNormalNegativeBinomial",
    "Logistic",
    "LogisticNormal",
    "LowRankMultivariateNormal",
    "MaskedDistribution",
    "MaskedMixture",
    "MatrixNormal",
    "MixtureOfDiagNormals",
    "MixtureOfDiagNormalsSharedCovariance",
    "MixtureSameFamily",
    "Multinomial",
    "MultivariateNormal",
    "MultivariateStudentT",
    "NanMaskedMultivariateNormal",
    "NanMaskedNormal",
    "NegativeBinomial",
    "Normal",
    "NormalMixture",
    "OMTMultivariateNormal",
    "OneHotCategorical",
    "OneHotCategoricalStraightThrough",
    "OneOneMatching",
    "OneTwoMatching",
    "OrderedLogistic",
    "Pareto",
    "Poisson",
    "ProjectedNormal",
    "RelaxedBernoulli",
    "RelaxedBernoulliStraightThrough",
    "RelaxedOneHotCategorical",
    "RelaxedOneHotCategoricalStraightThrough",
    "RightTruncatedDistribution",
    "SineBivariateVonMises",
    "SineSkewed",
    "Skellam",
    "SkewLogistic",
    "SoftAsymmetricLaplace",
    "SoftLaplace",
    "SpanningTree",
    "Stable",
    "StableWithLogProb",
    "StudentT",
    "TorchDistribution",
    "TorchDistributionMixin",
    "TransformedDistribution",
    "TruncatedCauchy",
    "TruncatedNormal",
    "TruncatedPolyaGamma",
    "Tweedie",
    "TwoSidedTruncatedDistribution",
    "Uniform",
    "Unit",
    "VonMises",
    "VonMises3D",
    "Weibull",
    "Wishart",
    "ZeroInflatedDistribution",
    "ZeroInflatedNegativeBinomial",
    "ZeroInflatedPoisson",
    "ZeroSumNormal",
    "biject_to",
    "constraints",
    "enable_validation",
    "is_validating",
    "kl_divergence",
    "register_kl",
    "transform_to",
    "transforms",
    "validation_enabled",
]

"""Families of one real number: on the whole line, on a half-line, on an interval.

Names and parameters are torch's where torch has the family. Densities and moments are those of the volumes *(Johnson,
Kotz and Balakrishnan 1994, 1995)*.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from virgil.distributions.core.lazy_names import one_a_file

__all__ = [
    "AffineBeta",
    "AsymmetricLaplace",
    "Beta",
    "BetaProportion",
    "Cauchy",
    "Chi2",
    "ContinuousBernoulli",
    "ExGaussian",
    "Exponential",
    "FisherSnedecor",
    "Gamma",
    "GeneralizedPareto",
    "Gumbel",
    "HalfCauchy",
    "HalfNormal",
    "InverseGamma",
    "InverseGaussian",
    "Kumaraswamy",
    "Laplace",
    "LogNormal",
    "Logistic",
    "NanMaskedNormal",
    "Normal",
    "NormalMixture",
    "Pareto",
    "RelaxedBernoulli",
    "RelaxedBernoulliStraightThrough",
    "SkewLogistic",
    "SoftAsymmetricLaplace",
    "SoftLaplace",
    "Stable",
    "StableWithLogProb",
    "StudentT",
    "TruncatedCauchy",
    "TruncatedNormal",
    "TruncatedPolyaGamma",
    "Tweedie",
    "Uniform",
    "Weibull",
]

if TYPE_CHECKING:
    from virgil.distributions.continuous.affine_beta import AffineBeta
    from virgil.distributions.continuous.asymmetric_laplace import AsymmetricLaplace
    from virgil.distributions.continuous.beta import Beta
    from virgil.distributions.continuous.beta_proportion import BetaProportion
    from virgil.distributions.continuous.cauchy import Cauchy
    from virgil.distributions.continuous.chi2 import Chi2
    from virgil.distributions.continuous.continuous_bernoulli import ContinuousBernoulli
    from virgil.distributions.continuous.ex_gaussian import ExGaussian
    from virgil.distributions.continuous.exponential import Exponential
    from virgil.distributions.continuous.fisher_snedecor import FisherSnedecor
    from virgil.distributions.continuous.gamma import Gamma
    from virgil.distributions.continuous.generalized_pareto import GeneralizedPareto
    from virgil.distributions.continuous.gumbel import Gumbel
    from virgil.distributions.continuous.half_cauchy import HalfCauchy
    from virgil.distributions.continuous.half_normal import HalfNormal
    from virgil.distributions.continuous.inverse_gamma import InverseGamma
    from virgil.distributions.continuous.inverse_gaussian import InverseGaussian
    from virgil.distributions.continuous.kumaraswamy import Kumaraswamy
    from virgil.distributions.continuous.laplace import Laplace
    from virgil.distributions.continuous.log_normal import LogNormal
    from virgil.distributions.continuous.logistic import Logistic
    from virgil.distributions.continuous.nan_masked_normal import NanMaskedNormal
    from virgil.distributions.continuous.normal import Normal
    from virgil.distributions.continuous.normal_mixture import NormalMixture
    from virgil.distributions.continuous.pareto import Pareto
    from virgil.distributions.continuous.relaxed_bernoulli import RelaxedBernoulli
    from virgil.distributions.continuous.relaxed_bernoulli_straight_through import RelaxedBernoulliStraightThrough
    from virgil.distributions.continuous.skew_logistic import SkewLogistic
    from virgil.distributions.continuous.soft_asymmetric_laplace import SoftAsymmetricLaplace
    from virgil.distributions.continuous.soft_laplace import SoftLaplace
    from virgil.distributions.continuous.stable import Stable
    from virgil.distributions.continuous.stable_with_log_prob import StableWithLogProb
    from virgil.distributions.continuous.student_t import StudentT
    from virgil.distributions.continuous.truncated_cauchy import TruncatedCauchy
    from virgil.distributions.continuous.truncated_normal import TruncatedNormal
    from virgil.distributions.continuous.truncated_polya_gamma import TruncatedPolyaGamma
    from virgil.distributions.continuous.tweedie import Tweedie
    from virgil.distributions.continuous.uniform import Uniform
    from virgil.distributions.continuous.weibull import Weibull
else:
    __getattr__, __dir__ = one_a_file(__name__, __all__)

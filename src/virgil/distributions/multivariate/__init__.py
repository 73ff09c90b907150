"""Families of real vectors: normal ones and their mixtures, heavy-tailed ones, and vectors on the simplex."""

from __future__ import annotations

from typing import TYPE_CHECKING

from virgil.distributions.core.lazy_names import one_a_file

__all__ = [
    "AVFMultivariateNormal",
    "CAR",
    "Dirichlet",
    "GaussianScaleMixture",
    "GroupedNormalNormal",
    "LogisticNormal",
    "LowRankMultivariateNormal",
    "MixtureOfDiagNormals",
    "MixtureOfDiagNormalsSharedCovariance",
    "MultivariateNormal",
    "MultivariateStudentT",
    "NanMaskedMultivariateNormal",
    "OMTMultivariateNormal",
    "RelaxedOneHotCategorical",
    "RelaxedOneHotCategoricalStraightThrough",
    "ZeroSumNormal",
]

if TYPE_CHECKING:
    from virgil.distributions.multivariate.avf_multivariate_normal import AVFMultivariateNormal
    from virgil.distributions.multivariate.car import CAR
    from virgil.distributions.multivariate.dirichlet import Dirichlet
    from virgil.distributions.multivariate.gaussian_scale_mixture import GaussianScaleMixture
    from virgil.distributions.multivariate.grouped_normal_normal import GroupedNormalNormal
    from virgil.distributions.multivariate.logistic_normal import LogisticNormal
    from virgil.distributions.multivariate.low_rank_multivariate_normal import LowRankMultivariateNormal
    from virgil.distributions.multivariate.mixture_of_diag_normals import MixtureOfDiagNormals
    from virgil.distributions.multivariate.mixture_of_diag_normals_shared_covariance import (
        MixtureOfDiagNormalsSharedCovariance,
    )
    from virgil.distributions.multivariate.multivariate_normal import MultivariateNormal
    from virgil.distributions.multivariate.multivariate_student_t import MultivariateStudentT
    from virgil.distributions.multivariate.nan_masked_multivariate_normal import NanMaskedMultivariateNormal
    from virgil.distributions.multivariate.omt_multivariate_normal import OMTMultivariateNormal
    from virgil.distributions.multivariate.relaxed_one_hot_categorical import RelaxedOneHotCategorical
    from virgil.distributions.multivariate.relaxed_one_hot_categorical_straight_through import (
        RelaxedOneHotCategoricalStraightThrough,
    )
    from virgil.distributions.multivariate.zero_sum_normal import ZeroSumNormal
else:
    __getattr__, __dir__ = one_a_file(__name__, __all__)

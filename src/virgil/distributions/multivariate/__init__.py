"""Families of real vectors: normal ones, and vectors on the simplex."""

from __future__ import annotations

from typing import TYPE_CHECKING

from virgil.distributions.core.lazy_names import one_a_file

__all__ = [
    "Dirichlet",
    "LogisticNormal",
    "LowRankMultivariateNormal",
    "MultivariateNormal",
    "MultivariateStudentT",
    "RelaxedOneHotCategorical",
    "ZeroSumNormal",
]

if TYPE_CHECKING:
    from virgil.distributions.multivariate.dirichlet import Dirichlet
    from virgil.distributions.multivariate.logistic_normal import LogisticNormal
    from virgil.distributions.multivariate.low_rank_multivariate_normal import LowRankMultivariateNormal
    from virgil.distributions.multivariate.multivariate_normal import MultivariateNormal
    from virgil.distributions.multivariate.multivariate_student_t import MultivariateStudentT
    from virgil.distributions.multivariate.relaxed_one_hot_categorical import RelaxedOneHotCategorical
    from virgil.distributions.multivariate.zero_sum_normal import ZeroSumNormal
else:
    __getattr__, __dir__ = one_a_file(__name__, __all__)

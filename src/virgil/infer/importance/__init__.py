"""Weighted executions: importance sampling, and distributions made of the executions of any sampler.

`Importance` draws executions of a model from a guide and weighs them. Each sampler that keeps executions is a
`TracePosterior`; `EmpiricalMarginal` is the distribution of a site over them.
"""

from virgil.infer.importance.at_once import psis_diagnostic, vectorized_importance_weights
from virgil.infer.importance.importance import Importance, LogWeightsMixin
from virgil.infer.importance.marginals import EmpiricalMarginal, Marginals
from virgil.infer.importance.trace_posterior import TracePosterior
from virgil.infer.importance.trace_predictive import TracePredictive

__all__ = [
    "EmpiricalMarginal",
    "Importance",
    "LogWeightsMixin",
    "Marginals",
    "TracePosterior",
    "TracePredictive",
    "psis_diagnostic",
    "vectorized_importance_weights",
]

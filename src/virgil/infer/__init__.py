"""Inference: objectives, ``SVI``, guides, reparameterisers, prediction."""

from typing import TYPE_CHECKING

from virgil.infer import autoguide, reparam
from virgil.infer.dadvi import DADVI
from virgil.infer.discrete import infer_discrete
from virgil.infer.elbo import (
    ELBO,
    JitTrace_ELBO,
    JitTraceEnum_ELBO,
    JitTraceMeanField_ELBO,
    Trace_ELBO,
    TraceEnum_ELBO,
    TraceMeanField_ELBO,
)
from virgil.infer.fit import Fit
from virgil.infer.importance import (
    EmpiricalMarginal,
    Importance,
    TracePosterior,
    TracePredictive,
    psis_diagnostic,
    vectorized_importance_weights,
)
from virgil.infer.laplace import Laplace
from virgil.infer.mcmc import HMC, MCMC, NUTS, RandomWalkKernel, StreamingMCMC
from virgil.infer.pathfinder import Pathfinder
from virgil.infer.predictive import Predictive
from virgil.infer.run.stop import Plateau, TimeLimit
from virgil.infer.svi import SVI
from virgil.ops import absent_names
from virgil.poutine.config_enumerate import config_enumerate

__all__ = [
    "DADVI",
    "ELBO",
    "EmpiricalMarginal",
    "Fit",
    "HMC",
    "Importance",
    "JitTraceEnum_ELBO",
    "JitTraceMeanField_ELBO",
    "JitTrace_ELBO",
    "Laplace",
    "MCMC",
    "NUTS",
    "Pathfinder",
    "Plateau",
    "Predictive",
    "RandomWalkKernel",
    "SVI",
    "StreamingMCMC",
    "TimeLimit",
    "TraceEnum_ELBO",
    "TraceMeanField_ELBO",
    "TracePosterior",
    "TracePredictive",
    "Trace_ELBO",
    "autoguide",
    "config_enumerate",
    "infer_discrete",
    "psis_diagnostic",
    "reparam",
    "vectorized_importance_weights",
]

if not TYPE_CHECKING:  # a type checker would take every name for one that is there
    __getattr__ = absent_names.refusing(__name__, __all__)

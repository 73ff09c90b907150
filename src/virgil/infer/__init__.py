"""Inference: objectives, ``SVI``, guides, prediction."""

from virgil.infer import autoguide
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
from virgil.infer.predictive import Predictive
from virgil.infer.run.stop import Plateau, TimeLimit
from virgil.infer.svi import SVI
from virgil.poutine.config_enumerate import config_enumerate

__all__ = [
    "ELBO",
    "Fit",
    "JitTraceEnum_ELBO",
    "JitTraceMeanField_ELBO",
    "JitTrace_ELBO",
    "Plateau",
    "Predictive",
    "SVI",
    "TimeLimit",
    "TraceEnum_ELBO",
    "TraceMeanField_ELBO",
    "Trace_ELBO",
    "autoguide",
    "config_enumerate",
    "infer_discrete",
]

"""Inference as old programs use it: hooks of objectives, shapes of predictions, names of a guide's parameters."""

from virgil.pyro.infer.elbo import (
    ELBO,
    JitTrace_ELBO,
    JitTraceEnum_ELBO,
    JitTraceMeanField_ELBO,
    Trace_ELBO,
    TraceEnum_ELBO,
    TraceMeanField_ELBO,
)
from virgil.pyro.infer.predictive import Predictive
from virgil.pyro.infer.svi import SVI

__all__ = [
    "ELBO",
    "JitTraceEnum_ELBO",
    "JitTraceMeanField_ELBO",
    "JitTrace_ELBO",
    "Predictive",
    "SVI",
    "TraceEnum_ELBO",
    "TraceMeanField_ELBO",
    "Trace_ELBO",
]

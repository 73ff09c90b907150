"""Objectives: run the guide, run the model against it, turn both into terms, sum the terms to a bound."""

from virgil.infer.elbo.jit import JitTrace_ELBO, JitTraceEnum_ELBO, JitTraceMeanField_ELBO
from virgil.infer.elbo.mean_field import TraceMeanField_ELBO
from virgil.infer.elbo.objective import ELBO, ELBOModule
from virgil.infer.elbo.trace_elbo import Trace_ELBO
from virgil.infer.elbo.trace_enum import TraceEnum_ELBO

__all__ = [
    "ELBO",
    "ELBOModule",
    "JitTraceEnum_ELBO",
    "JitTraceMeanField_ELBO",
    "JitTrace_ELBO",
    "TraceEnum_ELBO",
    "TraceMeanField_ELBO",
    "Trace_ELBO",
]

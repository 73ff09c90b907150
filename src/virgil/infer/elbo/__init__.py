"""Objectives: run the guide, run the model against it, turn both into terms, sum the terms to a bound."""

from virgil.infer.elbo.mean_field import TraceMeanField_ELBO
from virgil.infer.elbo.objective import ELBO, ELBOModule
from virgil.infer.elbo.trace_elbo import Trace_ELBO
from virgil.infer.elbo.trace_enum import TraceEnum_ELBO

__all__ = ["ELBO", "ELBOModule", "TraceEnum_ELBO", "TraceMeanField_ELBO", "Trace_ELBO"]

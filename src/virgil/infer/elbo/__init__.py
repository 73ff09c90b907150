"""Objectives, made of independent choices.

Guide and model run (``particles``), executions become terms (``terms``, ``sampled``, ``analytic``), variables of
several values are summed out (``summing_out``, ``guide_average``), and what is left, one log weight for each particle,
becomes a bound (``bound``) with its gradient (``gradient``, ``pathwise_or_score``). ``choices`` has the record of these
choices, ``refusals`` those that do not fit together, ``objective`` the class that users call.
"""

from virgil.infer.elbo.bound import Bound, BoundFunction
from virgil.infer.elbo.choices import Choices
from virgil.infer.elbo.costs import Costs
from virgil.infer.elbo.elbo_module import ELBOModule
from virgil.infer.elbo.gradient import Estimate, GradientRule
from virgil.infer.elbo.jit import JitTrace_ELBO, JitTraceEnum_ELBO, JitTraceMeanField_ELBO
from virgil.infer.elbo.objective import ELBO
from virgil.infer.elbo.particles import Particles
from virgil.infer.elbo.summing_out import Elimination, SumOut
from virgil.infer.elbo.terms import LatentTerms, Placed, Term, Terms
from virgil.infer.elbo.trace_elbo import Trace_ELBO
from virgil.infer.elbo.trace_enum_elbo import TraceEnum_ELBO
from virgil.infer.elbo.trace_mean_field_elbo import TraceMeanField_ELBO

__all__ = [
    "Bound",
    "BoundFunction",
    "Choices",
    "Costs",
    "ELBO",
    "ELBOModule",
    "Elimination",
    "Estimate",
    "GradientRule",
    "JitTraceEnum_ELBO",
    "JitTraceMeanField_ELBO",
    "JitTrace_ELBO",
    "LatentTerms",
    "Particles",
    "Placed",
    "SumOut",
    "Term",
    "Terms",
    "TraceEnum_ELBO",
    "TraceMeanField_ELBO",
    "Trace_ELBO",
]

"""The objectives whose steps are compiled."""

from __future__ import annotations

from virgil.infer.elbo.trace_elbo import Trace_ELBO
from virgil.infer.elbo.trace_enum_elbo import TraceEnum_ELBO
from virgil.infer.elbo.trace_mean_field_elbo import TraceMeanField_ELBO

__all__ = ["JitTraceEnum_ELBO", "JitTraceMeanField_ELBO", "JitTrace_ELBO"]


class JitTrace_ELBO(Trace_ELBO):
    """``Trace_ELBO`` whose steps run on a compiled engine, in ``SVI.step`` and ``SVI.run`` alike.

    The whole step is captured as one graph, with model, guide, gradient and optimiser. What changes from step to step
    must be an argument, a parameter or random. A step that cannot be captured is taken eagerly, which a warning says.
    """

    compiles = True


class JitTraceEnum_ELBO(TraceEnum_ELBO):
    """``TraceEnum_ELBO`` whose steps run on a compiled engine; see :class:`JitTrace_ELBO`."""

    compiles = True


class JitTraceMeanField_ELBO(TraceMeanField_ELBO):
    """``TraceMeanField_ELBO`` whose steps run on a compiled engine; see :class:`JitTrace_ELBO`."""

    compiles = True

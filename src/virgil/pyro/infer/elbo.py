"""The objectives under their old names, each with the hooks of old subclasses."""

from __future__ import annotations

from typing import Any

from torch import Tensor

from virgil.infer import elbo as house
from virgil.infer.density.execution import Program
from virgil.pyro.infer.traces import Hooks

__all__ = [
    "ELBO",
    "JitTraceEnum_ELBO",
    "JitTraceMeanField_ELBO",
    "JitTrace_ELBO",
    "TraceEnum_ELBO",
    "TraceMeanField_ELBO",
    "Trace_ELBO",
]


class ELBO(Hooks):
    """:class:`virgil.infer.ELBO` with the hooks of old subclasses."""


class Trace_ELBO(ELBO, house.Trace_ELBO):
    """:class:`virgil.infer.Trace_ELBO` with the hooks of old subclasses."""


class TraceEnum_ELBO(ELBO, house.TraceEnum_ELBO):
    """:class:`virgil.infer.TraceEnum_ELBO` with the hooks of old subclasses."""


class TraceMeanField_ELBO(Trace_ELBO, house.TraceMeanField_ELBO):
    """:class:`virgil.infer.TraceMeanField_ELBO` with the hooks of old subclasses."""


class JitTrace_ELBO(Trace_ELBO, house.JitTrace_ELBO):
    """:class:`virgil.infer.JitTrace_ELBO` with the hooks of old subclasses."""

    def loss_and_surrogate_loss(
        self, model: Program, guide: Program, *args: Any, **kwargs: Any
    ) -> tuple[float, Tensor]:
        """The loss, nats, and a scalar tensor whose derivative is the gradient estimator."""
        surrogate = self.differentiable_loss(model, guide, *args, **kwargs)
        return float(surrogate.detach()), surrogate


class JitTraceEnum_ELBO(TraceEnum_ELBO, house.JitTraceEnum_ELBO):
    """:class:`virgil.infer.JitTraceEnum_ELBO` with the hooks of old subclasses."""


class JitTraceMeanField_ELBO(TraceMeanField_ELBO, house.JitTraceMeanField_ELBO):
    """:class:`virgil.infer.JitTraceMeanField_ELBO` with the hooks of old subclasses."""

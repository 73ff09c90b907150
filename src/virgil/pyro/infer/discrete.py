"""``TraceEnumSample_ELBO``: the objective that can also draw the variables that it has summed out."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from virgil.errors import ArgumentError
from virgil.infer.density.execution import Call, Program
from virgil.infer.elbo.discrete_posterior import inferred
from virgil.ops.semiring import SAMPLE
from virgil.poutine.replay import Replay
from virgil.poutine.trace import trace
from virgil.pyro.infer.elbo import TraceEnum_ELBO

__all__ = ["TraceEnumSample_ELBO"]


class TraceEnumSample_ELBO(TraceEnum_ELBO):
    """``TraceEnum_ELBO`` whose :meth:`sample_saved` draws the variables that the last loss has summed out."""

    _last: Call | None = None

    def differentiable_loss(self, model: Program, guide: Program, *args: Any, **kwargs: Any) -> Tensor:
        """The loss, a scalar tensor, in nats."""
        self._last = Call(model, guide, args, kwargs)
        return super().differentiable_loss(model, guide, *args, **kwargs)

    def sample_saved(self) -> Any:
        """Run the last model with its latent variables drawn: from the guide, or from their exact posterior.

        Returns:
            What the model returns.

        Raises:
            ArgumentError: no loss has been computed.
        """
        if self._last is None:
            raise ArgumentError("sample_saved() draws for the last loss; compute one first, by loss() or SVI.step().")
        call = self._last
        with torch.no_grad():
            drawn = trace(call.guide).get_trace(*call.args, **call.kwargs)
            model = inferred(Replay(drawn)(call.model), None, SAMPLE, self.strict_enumeration_warning)
            return model(*call.args, **call.kwargs)

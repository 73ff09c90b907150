"""``SVI`` with the arguments and attributes of old programs."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor

from virgil import infer as house
from virgil.infer.density.execution import Program
from virgil.infer.objective import as_objective
from virgil.infer.problem import Problem
from virgil.params import ParamStore
from virgil.poutine.block import unrecorded
from virgil.poutine.replay import Replay
from virgil.poutine.trace import Trace, trace

__all__ = ["SVI"]


class SVI(house.SVI):
    """:class:`virgil.infer.SVI` that can take its number of steps when it is made.

    With ``num_steps`` or ``num_samples``, :meth:`run` takes the arguments of model and guide alone: it takes so many
    steps, draws so many executions of the model with latent values of the guide into ``exec_traces``, and returns the
    SVI. Without them it is today's ``run(num_steps, *args)``.

    Args:
        model: the generative program.
        guide: the variational program.
        optim: the optimiser, as for :class:`virgil.infer.SVI`.
        loss: an objective, or a function ``(model, guide, *args) -> scalar tensor``.
        loss_and_grads: computes the loss and adds gradients itself.
        num_samples: how many executions :meth:`run` draws.
        num_steps: how many steps it takes.
        params: the store that holds the parameters. Default: the store in use.
        **kwargs: accepted for the sake of existing programs.

    Attributes:
        exec_traces: the executions that :meth:`run` has drawn.
        log_weights: of each execution, 1 for all, since they are drawn from the guide.
        chain_ids: the number of each one's chain: 0.
    """

    def __init__(
        self,
        model: Program,
        guide: Program,
        optim: Any,
        loss: Any,
        loss_and_grads: Callable[..., Any] | None = None,
        num_samples: int = 0,
        num_steps: int = 0,
        *,
        params: ParamStore | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(model, guide, optim, loss, loss_and_grads, params=params)
        self.num_samples = num_samples
        self.num_steps = num_steps
        self.exec_traces: list[Trace] = []
        self.log_weights: list[Tensor] = []
        self.chain_ids: list[int] = []

    def __setattr__(self, name: str, value: Any) -> None:
        if name == "loss_and_grads":  # old programs exchange the method itself
            self.session.take_up(_with_gradients(self, value))
            return
        super().__setattr__(name, value)

    def run(self, *args: Any, **kwargs: Any) -> Any:
        """Take the steps and draw the executions that the SVI was made for; else as ``virgil.infer.SVI.run``."""
        if not self.num_steps and not self.num_samples:
            return super().run(*args, **kwargs)
        for _ in range(self.num_steps):
            self.step(*args, **kwargs)
        with torch.no_grad(), self.problem.store(), unrecorded():
            self.exec_traces = [self._drawn(args, kwargs) for _ in range(self.num_samples)]
        self.log_weights = [torch.ones(()) for _ in self.exec_traces]
        self.chain_ids = [0] * len(self.exec_traces)
        return self

    def _drawn(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Trace:
        """An execution of the model with latent values of the guide."""
        drawn = trace(self.guide).get_trace(*args, **kwargs)
        return trace(Replay(drawn)(self.model)).get_trace(*args, **kwargs)


def _with_gradients(svi: house.SVI, fn: Callable[..., Any]) -> Problem:
    """The problem with a function that computes the loss and its gradients."""
    return replace(svi.problem, objective=as_objective(svi.objective, fn))

"""``Problem``: a model, a guide, and all that says how the one is fitted to the other."""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from typing import Any

from torch import Tensor

from virgil.infer.density.execution import Executions, Program
from virgil.infer.density.read_parameters import ReadParameters
from virgil.infer.objective import Objective
from virgil.optim import LRScheduler, zero_grads
from virgil.optim.adapters import AnyOptimizer
from virgil.params import ParamStore

__all__ = ["Problem"]


@dataclass(frozen=True, eq=False)
class Problem:
    """A model, a guide, and how the one is fitted to the other.

    Attributes:
        model: the generative program.
        guide: the variational program, called with the same arguments.
        objective: the loss that is minimised.
        optim: the optimiser.
        scheduler: changes the learning rates after every step, if there is one.
        params: the store of the parameters; ``None`` for the one in use.
    """

    model: Program
    guide: Program
    objective: Objective
    optim: AnyOptimizer
    scheduler: LRScheduler | None = None
    params: ParamStore | None = None

    @property
    def programs(self) -> tuple[Any, Any, Any]:
        """The callables of a step: model, guide, and the objective or the function that the user gave as one."""
        return self.model, self.guide, getattr(self.objective, "fn", self.objective)

    def store(self) -> AbstractContextManager[object]:
        """A block in which parameters are those of the problem's store."""
        return nullcontext() if self.params is None else self.params

    def loss(self, *args: Any, **kwargs: Any) -> Tensor:
        """The loss on these arguments, a scalar tensor, nats."""
        return self.objective.differentiable_loss(self.model, self.guide, *args, **kwargs)

    def gradients(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> tuple[float, dict[str, Tensor]]:
        """The loss, nats, and the leaves that were read, with their gradients."""
        with ReadParameters() as read:
            try:
                loss = self.objective.loss_and_grads(self.model, self.guide, *args, **kwargs)
            except BaseException:  # Ctrl-C among them: no gradients are left that the next step would add to
                zero_grads(read.leaves.values())
                raise
        return loss, read.leaves

    def examined(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> tuple[Tensor, Executions]:
        """The loss, unchecked where that can be, and the executions behind it, each with its role."""
        return self.objective.examined(self.model, self.guide, args, kwargs)

    def advance_schedule(self, loss: float) -> None:
        """Advance the learning rates' schedule by one."""
        if self.scheduler is not None:
            self.scheduler.step(*([loss] if self.scheduler.takes_metric else []))

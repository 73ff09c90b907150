"""``Objective``: a loss of model and guide, and ``as_objective``: whatever a user gives as one."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol, Self, runtime_checkable

import torch
from torch import Tensor

from virgil import settings
from virgil.errors import ArgumentError, shown
from virgil.infer.checks.finding import EvidenceBound
from virgil.infer.density.execution import Executions, Program
from virgil.poutine.trace import trace

__all__ = ["FunctionObjective", "Objective", "as_objective"]


@runtime_checkable
class Objective(Protocol):
    """A loss of model and guide, in nats, which steps minimise."""

    @property
    def name(self) -> str:
        """How a report calls it."""
        ...

    @property
    def obstacle(self) -> str | None:
        """Why no engine can capture its steps; ``None`` if nothing is known to be in the way."""
        ...

    @property
    def compiles(self) -> bool:
        """True if it wants its steps compiled, however few they are."""
        ...

    @property
    def ignore_jit_warnings(self) -> bool:
        """True if a single step that cannot be compiled is taken eagerly without a warning."""
        ...

    @property
    def enumerates(self) -> bool:
        """True if marked variables are summed out."""
        ...

    @property
    def max_plate_nesting(self) -> int | None:
        """How many dims from the right belong to plates, where the user has said so."""
        ...

    @property
    def evidence_bound(self) -> EvidenceBound | None:
        """Itself, if it is a bound on the evidence; ``None`` for a function, of which nothing is known."""
        ...

    def fresh(self) -> Self:
        """The same objective, before it has met any program."""
        ...

    def loss(self, model: Program, guide: Program, *args: Any, **kwargs: Any) -> float:
        """The loss, without gradients."""
        ...

    def differentiable_loss(self, model: Program, guide: Program, *args: Any, **kwargs: Any) -> Tensor:
        """The loss, a scalar tensor whose derivative is the gradient estimator."""
        ...

    def loss_and_grads(self, model: Program, guide: Program, *args: Any, **kwargs: Any) -> float:
        """The loss; gradients are added to the ``grad`` of every parameter."""
        ...

    def examined(
        self, model: Program, guide: Program, args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> tuple[Tensor, Executions]:
        """The loss, unchecked where that can be, and the executions behind it, each with its role."""
        ...


class FunctionObjective:
    """A function ``(model, guide, *args) -> scalar tensor`` as an objective."""

    obstacle = None
    compiles = False
    ignore_jit_warnings = False
    enumerates = False
    max_plate_nesting = None
    evidence_bound = None

    def __init__(self, fn: Callable[..., Tensor]) -> None:
        self.fn = fn

    @property
    def name(self) -> str:
        """The function's."""
        return getattr(self.fn, "__name__", "The loss")

    def fresh(self) -> Self:
        """Itself: what a function remembers is its own affair."""
        return self

    def loss(self, model: Program, guide: Program, *args: Any, **kwargs: Any) -> float:
        """The function's value."""
        with torch.no_grad():
            return float(self.fn(model, guide, *args, **kwargs))

    def differentiable_loss(self, model: Program, guide: Program, *args: Any, **kwargs: Any) -> Tensor:
        """The function's value, with its derivative."""
        return self.fn(model, guide, *args, **kwargs)

    def loss_and_grads(self, model: Program, guide: Program, *args: Any, **kwargs: Any) -> float:
        """The function's value; gradients are added to the ``grad`` of every parameter."""
        loss = self.fn(model, guide, *args, **kwargs)
        loss.backward()
        return float(loss.detach())

    def examined(
        self, model: Program, guide: Program, args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> tuple[Tensor, Executions]:
        """The function's value, and the last executions of both programs."""
        traced_guide, traced_model = trace(guide), trace(model)
        with settings.context(validate=False):  # an objective inside the function does not look at itself
            loss = self.fn(traced_model, traced_guide, *args, **kwargs)
        return loss, [("guide", traced_guide.trace), ("model", traced_model.trace)]


class OwnGradients:
    """An objective whose gradients a function computes: it returns the loss and adds to every parameter's ``grad``.

    Args:
        objective: gives the loss where no gradient is asked for.
        fn: takes model, guide and their arguments.
    """

    obstacle = "loss_and_grads= computes gradients itself"
    compiles = False
    ignore_jit_warnings = False

    def __init__(self, objective: Objective, fn: Callable[..., Any]) -> None:
        self.objective = objective
        self.fn = fn
        self.name = objective.name
        self.loss = objective.loss
        self.differentiable_loss = objective.differentiable_loss
        self.examined = objective.examined

    @property
    def enumerates(self) -> bool:
        """As the objective does."""
        return self.objective.enumerates

    @property
    def max_plate_nesting(self) -> int | None:
        """The objective's."""
        return self.objective.max_plate_nesting

    @property
    def evidence_bound(self) -> EvidenceBound | None:
        """The objective's."""
        return self.objective.evidence_bound

    def fresh(self) -> OwnGradients:
        """The same with a fresh objective."""
        return OwnGradients(self.objective.fresh(), self.fn)

    def loss_and_grads(self, model: Program, guide: Program, *args: Any, **kwargs: Any) -> float:
        """The function's value."""
        loss = self.fn(model, guide, *args, **kwargs)
        return float(loss.detach() if isinstance(loss, Tensor) else loss)


def as_objective(loss: Any, loss_and_grads: Callable[..., Any] | None = None) -> Objective:
    """An objective as it is, and a function as an objective.

    Args:
        loss: an objective such as ``Trace_ELBO()``, or a function ``(model, guide, *args) -> scalar tensor``.
        loss_and_grads: computes the loss and adds gradients itself, instead of the objective's own.

    Raises:
        ArgumentError: it is neither.
    """
    if isinstance(loss, type):
        raise ArgumentError(f"SVI got loss={loss.__name__}, a class; it takes an instance. Write {loss.__name__}().")
    if not isinstance(loss, Objective) and not callable(loss):
        raise ArgumentError(f"SVI got loss={shown(loss)}; it takes an objective such as Trace_ELBO(), or a function.")
    objective: Objective = loss if isinstance(loss, Objective) else FunctionObjective(loss)
    return objective if loss_and_grads is None else OwnGradients(objective, loss_and_grads)

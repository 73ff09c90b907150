"""Which engine takes the steps of a run, and why."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol

from virgil.engine.choice import default_engine, pays
from virgil.engine.work import Work
from virgil.errors import CaptureError
from virgil.optim import LRScheduler

__all__ = ["Choice", "Chooser", "choose"]

_UNKNOWN_LENGTH = 1000  # steps of a run whose data does not say how many batches it has


@dataclass(frozen=True)
class Choice:
    """An engine.

    Attributes:
        name: ``"eager"``, ``"xla"`` or ``"inductor"``.
        reason: why.
        falls_back: whether a step that cannot be captured is taken eagerly.
    """

    name: str
    reason: str
    falls_back: bool = False


class Chooser(Protocol):
    """What the choice depends on, of an SVI."""

    scheduler: LRScheduler | None
    loss_and_grads: Any
    work: Work | None  # of one step, once one has been seen

    @property
    def compiles(self) -> bool:
        """Whether steps are to be compiled, however few they are."""
        ...


def choose(svi: Chooser, engine: str, num_steps: int | None) -> Choice | None:
    """The engine for so many steps; ``None`` where "auto" must see a step first.

    Raises:
        CaptureError: a compiled engine is asked for that cannot take these steps.
    """
    if engine == "eager":
        return Choice(engine, "asked for")
    obstacle = _obstacle(svi)
    if engine != "auto":
        if obstacle is not None:
            raise CaptureError(f"engine={engine!r} cannot take these steps: {obstacle}. Use engine='eager'.")
        return Choice(engine, "asked for")
    if obstacle is not None:
        return Choice("eager", obstacle)
    if num_steps == 0:
        return Choice("eager", "there are no steps to take")
    if svi.work is None:
        return None
    name, why = default_engine(svi.work.device)
    if name == "eager":
        return Choice(name, why)
    if not (svi.compiles or pays(name, num_steps or _UNKNOWN_LENGTH, svi.work.operators, svi.work.elements)):
        return Choice("eager", "the run is too short to repay compiling")
    return Choice(name, why, falls_back=True)


def _obstacle(svi: Chooser) -> str | None:
    """Why no compiled engine can take these steps, whatever the program."""
    if svi.loss_and_grads is not None:
        return "loss_and_grads= computes gradients itself"
    if svi.scheduler is not None and svi.scheduler.takes_metric:
        return "the scheduler needs the loss of every step"
    return None

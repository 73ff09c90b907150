"""The choice of the engine for the steps of a run, with its reason."""

from __future__ import annotations

from dataclasses import dataclass

from virgil.engine.choice import default_engine, pays
from virgil.errors import CaptureError
from virgil.infer.problem import Problem
from virgil.infer.step.session import Session
from virgil.ops.operators import why_unwatched

__all__ = ["Choice", "choose"]

_COMPARED = 4  # eager steps that take as long as to compare what the programs do with a captured step
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


def choose(session: Session, engine: str, num_steps: int | None, callback_every: int | None = None) -> Choice | None:
    """The engine for so many steps, with a callback after every few; ``None`` where "auto" must see a step first.

    Raises:
        CaptureError: a compiled engine is asked for that cannot take these steps.
    """
    if engine == "eager":
        return Choice(engine, "asked for")
    obstacle = _obstacle(session.problem)
    if engine != "auto":
        if obstacle is not None:
            raise CaptureError(f"engine={engine!r} cannot take these steps: {obstacle}. Use engine='eager'.")
        return Choice(engine, "asked for")
    if obstacle is not None:
        return Choice("eager", obstacle)
    if num_steps == 0:
        return Choice("eager", "there are no steps to take")
    if session.work is None:
        return None
    work = session.work
    name, why = default_engine(work.device)
    if name == "eager":
        return Choice(name, why)
    steps = num_steps or _UNKNOWN_LENGTH
    compared = 0 if callback_every is None else _COMPARED * (steps // callback_every)
    if session.problem.objective.compiles or pays(name, max(0, steps - compared), work.operators, work.elements):
        return Choice(name, why, falls_back=True)
    if pays(name, steps, work.operators, work.elements):
        return Choice(
            "eager", "callbacks, after each of which the programs are looked at, are too many for compiling to pay"
        )
    return Choice("eager", "the run is too short to repay compiling")


def _obstacle(problem: Problem) -> str | None:
    """Why no compiled engine can take these steps, whatever the program."""
    if problem.scheduler is not None and problem.scheduler.takes_metric:
        return "the scheduler needs the loss of every step"
    return problem.optim.obstacle or problem.objective.obstacle or why_unwatched()

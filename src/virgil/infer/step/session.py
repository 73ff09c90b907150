"""``Session``: what the steps on a problem keep between them, and the guard that lets in one thread at a time."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from virgil import settings
from virgil.engine.choice import default_engine
from virgil.engine.loading import is_of_engine, reason
from virgil.engine.work import Work
from virgil.errors import CaptureError, ThreadError
from virgil.infer.checks.finding import Watching
from virgil.infer.checks.guards import Guards
from virgil.infer.problem import Problem
from virgil.infer.step.compiled import CompiledSteps
from virgil.infer.step.eager import EagerSteps
from virgil.infer.step.record import Record
from virgil.infer.step.single import one_step
from virgil.ops.user_code import warn_user

__all__ = ["OneThread", "Session"]


class OneThread:
    """A block that one thread may be in, as deep as it likes, and that refuses another one meanwhile.

    Raises:
        ThreadError: another thread is inside.
    """

    def __init__(self) -> None:
        self._lock = threading.RLock()
        self._owner = 0

    def __enter__(self) -> None:
        if not self._lock.acquire(blocking=False):
            owner = next((each.name for each in threading.enumerate() if each.ident == self._owner), "another")
            raise ThreadError(
                f"Thread {threading.current_thread().name!r} uses an SVI, or a fit of it, while thread {owner!r} "
                "takes its steps or looks at a fit of it, for which the parameters have other values meanwhile. Wait "
                "for that thread, or give each thread an SVI and a ParamStore of its own."
            )
        self._owner = threading.get_ident()

    def __exit__(self, *exc_info: object) -> None:
        self._lock.release()

    def __reduce__(self) -> tuple[type[OneThread], tuple[()]]:
        return OneThread, ()  # of a copy nobody is inside


class Session:
    """Takes the steps of a problem, and keeps those that have been captured.

    Attributes:
        problem: what is solved; another one is taken up by :meth:`take_up`.
        eager: the eager steps.
        work: the size of one step, once one has been seen, for ``"auto"`` to decide by.
        alone: a block for the thread that takes steps, or that looks at a fit of them.
    """

    def __init__(self, problem: Problem) -> None:
        self.problem = problem
        self.eager = EagerSteps(problem)
        self.work: Work | None = None
        self.alone = OneThread()
        self._compiled: dict[str, CompiledSteps] = {}
        self._cannot_compile = False

    def take_up(self, problem: Problem) -> None:
        """Go on with another problem; captured steps that still hold for it are kept."""
        self.problem = self.eager.problem = problem
        for steps in self._compiled.values():
            steps.problem = problem

    @contextmanager
    def taking_up(self, problem: Problem) -> Iterator[None]:
        """A block in which the steps are those of this problem."""
        before = self.problem
        self.take_up(problem)
        try:
            yield
        finally:
            self.take_up(before)

    def compiled(self, engine: str) -> CompiledSteps:
        """The steps that have been captured for a compiled engine."""
        if engine not in self._compiled:
            self._compiled[engine] = CompiledSteps(self.problem, engine)
        return self._compiled[engine]

    @property
    def guards(self) -> Watching:
        """The values that compiled steps look at from outside, where checks are on."""
        bound = self.problem.objective.evidence_bound
        if bound is None or not settings.get("validate"):
            return Guards()
        return bound.guards(self.problem.model, self.problem.guide)

    def step(self, args: tuple[Any, ...], kwargs: dict[str, Any], record: Record | None = None) -> float:
        """Take one step, compiled where the objective wants that; returns the loss before it, nats."""
        if self.problem.objective.compiles and not self._cannot_compile:
            return self._compiled_step(args, kwargs)
        return self.eager.take(args, kwargs, record)

    def _compiled_step(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> float:
        if self.work is None:  # the first step, which is eager, shows on what device steps are
            with Work() as work:
                first = self.eager.take(args, kwargs)
            self.work = work
            return first
        engine, why = default_engine(self.work.device)
        self.guards.check_data(args, kwargs)
        try:
            if engine == "eager":
                raise CaptureError(why)
            loss = one_step(self.compiled(engine), args, kwargs)
        except Exception as error:
            if not is_of_engine(error):
                raise
            loss, self._cannot_compile = None, True
            if not self.problem.objective.ignore_jit_warnings:
                warn_user(f"The steps are taken eagerly: {reason(error)}", UserWarning)
        if callable(loss):
            raise self.eager.explained(args, kwargs, loss)
        if loss is None:
            return self.eager.take(args, kwargs)
        self.guards.check_parameters()
        return loss

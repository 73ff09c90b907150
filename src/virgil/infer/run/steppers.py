"""Steppers take the steps of a run: the program itself, or a compiled engine."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from itertools import groupby
from typing import NoReturn

from virgil.engine.loading import is_of_engine, reason
from virgil.engine.runner import Course
from virgil.engine.unrolled import unrolled
from virgil.errors import EngineError, NonFiniteError
from virgil.infer.run.average import Average
from virgil.infer.run.choose import Choice
from virgil.infer.run.feed import Feed
from virgil.infer.run.interrupt import Interrupt
from virgil.infer.run.patience import Patience
from virgil.infer.run.source import Batch
from virgil.infer.step.arguments import arguments
from virgil.infer.step.compiled import CompiledStep
from virgil.infer.step.record import Record
from virgil.infer.step.session import Session
from virgil.ops.user_code import warn_user

__all__ = ["CompiledStepper", "EagerStepper", "Numbers"]


class EagerStepper:
    """Takes steps one by one."""

    name = "eager"
    reason = "asked for"
    average: Average | None = None

    def __init__(self, session: Session, record: Record) -> None:
        self._session = session
        self._record = record
        self.finish()

    def advance(self, batches: list[Batch], count: int, interrupt: Interrupt, then: int = 0) -> int:
        """Take ``count`` steps, or as many as there are until Ctrl-C; returns how many."""
        for done in range(count):
            batch = batches[done if len(batches) > 1 else 0]
            loss = self._session.eager.take(batch.args, batch.kwargs, self._record)
            self._session.problem.advance_schedule(loss)
            if self.average is not None:
                self.average.add_present(self._record.names)
            if interrupt.requested:
                return done + 1
        return count

    def finish(self) -> None:
        """Forget what the costs of scores depend on, for a user who may change anything."""
        bound = self._session.problem.objective.evidence_bound
        if bound is not None:
            bound.look_again()


@dataclass
class Numbers:
    """Of which random numbers a run's next step takes its own: of this seed, and of the step of this number."""

    seed: int
    done: int


class CompiledStepper:
    """Takes steps on a compiled engine; a batch that no captured step fits is captured.

    How a step is taken depends on the steps before it and never on how they were divided into stretches, so that events
    between stretches change no number.

    Args:
        session: has the captured steps.
        eager: for the rest.
        record: of the run.
        noise: of the run.
        choice: of the engine.
        patience: of the run.
        say: shows a line.
        streams: whether steps have batches of their own. One compiled loop then serves stretches of any length.
    """

    average: Average | None = None

    def __init__(
        self,
        session: Session,
        eager: EagerStepper,
        record: Record,
        noise: Numbers,
        choice: Choice,
        patience: Patience,
        say: Callable[[str], object],
        streams: bool = False,
    ) -> None:
        self.name, self.reason, self._falls_back = choice.name, choice.reason, choice.falls_back
        self._session = session
        self._steps = session.compiled(choice.name)
        self._eager = eager
        self._record = record
        self._feed = Feed(self._steps, streams=streams)
        self._streams = streams
        self._noise = noise
        self._patience = patience
        self._say = say
        self._present: CompiledStep | None = None
        self._sure: list[CompiledStep] = []  # that do what the programs do, as nothing of the user's has run since

    def advance(self, batches: list[Batch], count: int, interrupt: Interrupt, then: int = 0) -> int:
        """Take ``count`` steps; Ctrl-C is seen after them."""
        if not self._streams:
            return self._group(batches, count, interrupt, then)
        taken = 0
        for _, group in groupby(batches, lambda batch: arguments(batch.args, batch.kwargs).key):
            members = list(group)
            taken += self._group(members, len(members), interrupt)
        return taken

    def _group(self, batches: list[Batch], count: int, interrupt: Interrupt, then: int = 0) -> int:
        step = None if self.name == "eager" else self._step(batches[0])
        if step is not self._present:
            self._write()
        if step is not None:
            self._look_at(batches)
        course = None if step is None else self._course(step, batches, count, then)
        if step is None or course is None:
            self._noise.done += count
            self._eager.average = self.average
            return self._eager.advance(batches, count, interrupt)
        names = list(step.state.leaves)
        self._noise.done += len(course.losses)
        self._record.extend(course.losses, names, course.norms)
        if self.average is not None:
            self.average.add(names, course.sums, len(course.losses))
        if not course.is_finite:
            self._stop(step, course, batches)
        if self._session.guards.has_parameters:
            self._write()
            self._session.guards.check_parameters()
        return count

    def _step(self, batch: Batch) -> CompiledStep | None:
        """The captured step for a batch; ``None`` where it is to be taken eagerly."""
        step = self._steps.find(batch.args, batch.kwargs, self._sure)
        if self._falls_back:
            key = arguments(batch.args, batch.kwargs).key
            if self._patience.is_out(self.name, key, step is not None, self._noise.done):
                self.name, self.reason = "eager", "what the programs read changes too often to repay compiling"
                return None
        if step is None:
            self._write()  # a capture begins where the steps before it ended
            step = self._capture(batch)
        return step

    def _look_at(self, batches: list[Batch]) -> None:
        """Raise an error if data, or parameters that a user may have changed, lie outside of where they must be."""
        guards = self._session.guards
        for batch in batches:
            guards.check_data(batch.args, batch.kwargs)
        if self._present is None:
            guards.check_parameters()

    def _course(self, step: CompiledStep, batches: list[Batch], count: int, then: int) -> Course | None:
        """The record of steps on the engine; ``None`` where it cannot run them, and nothing has changed."""
        summed = 0 if self.average is None else len(step.state.leaves)
        inputs = self._feed.inputs(step, batches, count, then)
        try:
            if self._present is None:
                step.load()
                self._present = step
            if step not in self._sure:
                self._sure.append(step)
            return step.advance(inputs, self._noise.seed, self._noise.done, count, summed)
        except EngineError as error:
            self._present = None
            self._feed.go_back(0)
            self._steps.forget()
            self._fall_back(error)
            return None

    def _fall_back(self, error: Exception) -> None:
        if not self._falls_back or not is_of_engine(error):
            raise error
        self.name, self.reason = "eager", reason(error)
        warn_user(f"The steps are taken eagerly: {self.reason}", UserWarning)

    def _capture(self, batch: Batch) -> CompiledStep | None:
        try:
            step = self._steps.make(batch.args, batch.kwargs)
        except NonFiniteError:
            return None  # the eager step says what went wrong
        except Exception as error:
            self._fall_back(error)
            return None
        advice = None if step is None else unrolled(step.runner.program.graph.graph, step.runner.num_compiled)
        if advice is not None:
            self.reason = f"{self.reason}; {advice}"
            self._say(f"Compiling: {advice}.")
        return step

    def _stop(self, step: CompiledStep, course: Course, batches: list[Batch]) -> NoReturn:
        taken = len(course.losses) - 1
        self.finish()
        self._feed.go_back(taken)
        noise = partial(step.runner.noise, self._noise.seed, self._noise.done - 1)
        batch = batches[taken if len(batches) > 1 else 0]
        raise self._session.eager.explained(batch.args, batch.kwargs, noise, self._record.num_steps - 1)

    def note_changes(self, batch: Batch) -> None:
        """Note for a run on disk whether the programs have changed since the last step."""
        if self._falls_back and self.name != "eager":
            self._patience.has_changed = self._steps.find(batch.args, batch.kwargs, self._sure) is None

    def finish(self) -> None:
        """Bring the engine's state back into store, networks and optimiser, for a user who may change anything."""
        self._write()
        self._sure.clear()

    def _write(self) -> None:
        if self._present is not None:
            self._present.write()
            self._present = None

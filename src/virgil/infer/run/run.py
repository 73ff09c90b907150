"""A run: which engine takes its steps, and what it gives."""

from __future__ import annotations

import time
from collections.abc import Iterable
from dataclasses import dataclass, replace
from os import PathLike

import torch
from torch import Tensor

from virgil.engine.choice import check_engine
from virgil.engine.work import Work
from virgil.errors import ArgumentError, shown
from virgil.infer.run.average import Average
from virgil.infer.run.batch_plates import warn_of_batch_plates
from virgil.infer.run.checkpoint import Checkpoint
from virgil.infer.run.choose import Choice, choose
from virgil.infer.run.interrupt import graceful_interrupt
from virgil.infer.run.loop import Between, Callback, Stepper, drive
from virgil.infer.run.origin import origin_of
from virgil.infer.run.outcome import Outcome
from virgil.infer.run.patience import Patience
from virgil.infer.run.progress import Display, progress_bar
from virgil.infer.run.saved_run import SavedEngine
from virgil.infer.run.source import Source
from virgil.infer.run.steppers import CompiledStepper, EagerStepper, Numbers
from virgil.infer.run.stop import Stop
from virgil.infer.step.record import Record
from virgil.infer.step.session import Session
from virgil.infer.warn import show_warning
from virgil.params import get_param_store

__all__ = ["Options", "Run", "constrained"]


@dataclass(frozen=True)
class Options:
    """The options of a run; see ``SVI.run``."""

    engine: str = "auto"
    progress: bool = True
    callback: Callback | None = None
    callback_every: int = 1
    stop: Stop | None = None
    checkpoint: str | PathLike[str] | None = None
    every: float = 60.0
    average: int = 0

    @property
    def called_every(self) -> int | None:
        """After how many steps there is a callback, if there is one."""
        return None if self.callback is None else self.callback_every

    def __post_init__(self) -> None:
        check_engine(self.engine)
        if self.callback_every < 1:
            raise ArgumentError(f"run() got callback_every={shown(self.callback_every)}; it takes 1 or more.")
        if not isinstance(self.average, int) or self.average < 0:
            raise ArgumentError(f"run() got average={shown(self.average)}; it takes a number of steps, 0 or more.")
        if self.average and self.checkpoint is not None:
            raise ArgumentError(
                "run() got average= and checkpoint=; a run that averages its last steps is not written to disk. "
                "Checkpoint the run first, and average in a second, short one."
            )


class Run:
    """One call of ``SVI.run``."""

    def __init__(self, session: Session, source: Source, options: Options) -> None:
        self._session = session
        self._source = source
        self._options = options
        self._engine = options.engine
        self._seed: int | None = None
        self._begun = 0  # steps before the compiled engine's own first
        self._patience = Patience()
        self._record = Record()
        self._eager = EagerStepper(session, self._record)
        self._present: Stepper = self._eager
        self._stopped: str | None = None
        self._has_looked = False
        self._check_average()
        self._checkpoint: Checkpoint | None = None
        if options.checkpoint is not None:
            self._checkpoint = Checkpoint(options.checkpoint, options.every, session.problem)

    def _check_average(self) -> None:
        total, number = self._source.total, self._options.average
        if number and (total is None or total < number):
            steps = "an unknown number of" if total is None else total
            raise ArgumentError(f"run() got average={shown(number)} for {steps} steps; it averages the last of them.")

    def take(self) -> Outcome:
        """Take all steps."""
        begin = time.perf_counter()
        options = self._options
        self._begin()
        with graceful_interrupt() as interrupt, progress_bar(self._source.total, options.progress) as display:
            save = None if self._checkpoint is None else self._save
            between = Between(interrupt, display.report, options.callback, options.callback_every, options.stop, save)
            why = self._first_step(between)
            self._look_at_batch()
            self._present = self._stepper(self._choose(), display)
            display.say(f"Steps run on {self._present.name}: {self._present.reason}.")
            average = self._take_rest(between, why)
            self._look_at_batch()
            if save is not None:
                save(True)
        return Outcome(
            losses=self._record.losses(),
            gradient_norms=self._record.gradient_norms(),
            params=constrained(self._record.names),
            wall_time=time.perf_counter() - begin,
            interrupted=interrupt.requested,
            engine=self._present.name,
            engine_reason=self._present.reason,
            stopped=self._stopped,
            averaged=average.count,
            origin=origin_of(self._session, self._source, self._record.names),
        )

    def _begin(self) -> None:
        """Go on with the run on disk, or see that this one can be written there."""
        resumes = self._checkpoint is not None and self._checkpoint.exists
        if self._checkpoint is not None and resumes:
            self._resume(self._checkpoint)
        choice = self._choose()
        if choice is not None and choice.name != "eager":
            self._noise_seed()  # before all else that a run draws
        if self._checkpoint is not None and not resumes:
            self._checkpoint.try_parameters(self._source)

    def _look_at_batch(self) -> None:
        """Look, once, at the first batch that was taken."""
        if not self._has_looked and self._source.last is not None and not self._source.is_same:
            self._has_looked = True
            warn_of_batch_plates(self._session.problem, self._source.last, self._source.num_batches)

    def _first_step(self, between: Between) -> str | None:
        """Take one eagerly where "auto" must see what it does."""
        if self._source.total == 0 or self._record.num_steps or self._choose() is not None:
            return None
        with Work() as work:
            why = drive(self._eager, self._source, self._record, replace(between, save=None), 1)
        self._session.work, self._begun = work, 1
        return why

    def _take_rest(self, between: Between, why: str | None) -> Average:
        """The steps after the first; the last of them are averaged if that was asked for."""
        total, number = self._source.total, self._options.average
        average = Average()
        try:
            if why is None:
                limit = None if total is None else total - number
                why = drive(self._present, self._source, self._record, between, limit)
            if number and not between.interrupt.requested:
                self._present.average = average
                limit = self._record.num_steps + number
                drive(self._present, self._source, self._record, replace(between, stop=None), limit)
        finally:
            self._present.finish()
        average.write()
        self._stopped = why
        return average

    # Checkpoints

    def _save(self, must: bool) -> None:
        if self._checkpoint is None:
            return
        self._checkpoint.try_optimizer()
        if not (must or self._checkpoint.is_due()):
            return
        self._present.finish()
        if isinstance(self._present, CompiledStepper) and self._source.last is not None:
            self._present.note_changes(self._source.last)
        engine = SavedEngine(self._present.name, self._seed, self._begun, self._patience)
        self._checkpoint.write(self._record, self._source, engine)

    def _resume(self, checkpoint: Checkpoint) -> None:
        saved, asked = checkpoint.read(self._record, self._source), self._options.engine
        if asked == "auto":
            self._engine = saved.name
        elif asked != saved.name:
            show_warning(
                f"The run in checkpoint={checkpoint.name!r} was on {saved.name}. It goes on on {asked}, which was "
                f"asked for, and so not as the same run uninterrupted; engine={saved.name!r} or 'auto' does that."
            )
        self._seed, self._begun, self._patience = saved.seed, saved.begun, saved.patience

    # Engines

    def _choose(self) -> Choice | None:
        choice = choose(self._session, self._engine, self._source.total, self._options.called_every)
        if choice is not None and self._engine != self._options.engine:
            return replace(choice, reason="the run on disk was on it", falls_back=choice.name != "eager")
        return choice

    def _noise_seed(self) -> int:
        """The seed of a compiled engine's noise, drawn when it is first asked for."""
        if self._seed is None:
            self._seed = int(torch.randint(2**62, ()))
        return self._seed

    def _stepper(self, choice: Choice | None, display: Display) -> Stepper:
        """The stepper that takes the steps."""
        if choice is None or choice.name == "eager":
            self._eager.reason = "there are no steps to take" if choice is None else choice.reason
            return self._eager
        numbers = Numbers(self._noise_seed(), self._record.num_steps - self._begun)
        streams = not self._source.is_same
        if self._patience.work is None and self._session.work is not None:
            self._patience.work = self._session.work.operators, self._session.work.elements
        return CompiledStepper(
            self._session, self._eager, self._record, numbers, choice, self._patience, display.say, streams
        )


def constrained(names: Iterable[str]) -> dict[str, Tensor]:
    """The present values of parameters, detached from everything that changes."""
    store = get_param_store()
    return {name: store[name].detach().clone() for name in names if name in store}

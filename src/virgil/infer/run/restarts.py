"""A run from several initial values, of which the best is kept."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace

import torch

from virgil.engine.loading import is_of_engine, reason
from virgil.engine.work import Work
from virgil.errors import ArgumentError, NonFiniteError
from virgil.infer.density.dry_run import unmarked
from virgil.infer.run.average import Average
from virgil.infer.run.choose import Choice, choose
from virgil.infer.run.initial_values import Beginning
from virgil.infer.run.interrupt import graceful_interrupt
from virgil.infer.run.loop import Between, drive
from virgil.infer.run.origin import origin_of
from virgil.infer.run.outcome import Outcome
from virgil.infer.run.progress import progress_bar
from virgil.infer.run.run import Options, Run, constrained
from virgil.infer.run.source import Batch, Source
from virgil.infer.run.vectorized_restarts import Together
from virgil.infer.step.session import Session
from virgil.ops.user_code import warn_user
from virgil.optim import zero_grads

__all__ = ["Restarts"]


class Restarts:
    """One call of ``SVI.run`` with ``restarts=``.

    Args:
        session: takes the steps.
        source: gives the arguments of the steps of one run, anew each time.
        options: of the run.
        count: how many restarts.

    Raises:
        ArgumentError: the run is to be written to disk.
    """

    def __init__(self, session: Session, source: Callable[[], Source], options: Options, count: int) -> None:
        if options.checkpoint is not None:
            raise ArgumentError("run() got restarts= and checkpoint=; several restarts are not written to disk.")
        self._session = session
        self._source = source
        self._options = options
        self._count = count

    def take(self) -> tuple[Outcome, tuple[Outcome, ...]]:
        """Take all steps from all initial values; returns the best, whose parameters are kept, and all."""
        begin = time.perf_counter()
        source = self._source()
        batches = source.take(1)
        if not batches or source.total == 0:
            return Run(self._session, self._source(), self._options).take(), ()
        choice = self._choose(batches[0], source.total)
        beginning = Beginning(self._session.problem, batches[0])
        self._check_varied(beginning)
        together = self._together(choice, beginning, source, batches[0])
        fits, keep = self._one_by_one(together, beginning) if isinstance(together, Choice) else together
        finite = [row for row, fit in enumerate(fits) if fit.failure is None]
        best = min(finite, key=lambda row: fits[row].tail_loss()[0])
        keep(best)
        seconds = time.perf_counter() - begin
        return replace(fits[best], wall_time=seconds), tuple(fits)

    def _choose(self, batch: Batch, total: int | None) -> Choice:
        options = self._options
        if choose(self._session, options.engine, total) is None:
            with unmarked(), Work() as work:
                _, leaves = self._session.problem.gradients(batch.args, batch.kwargs)
                zero_grads(leaves.values())
            self._session.work = work
        steps = None if total is None else total * self._count
        every = None if options.called_every is None else options.called_every * self._count
        choice = choose(self._session, options.engine, steps, every)
        return choice or Choice("eager", "there are no steps to take")

    def _check_varied(self, beginning: Beginning) -> None:
        before = beginning.state()
        if not beginning.anew():
            warn_user(
                f"run(restarts={self._count}) begins at the same values each time: no initial value is random. Only "
                "the noise differs. Give param() a function that draws, or use an automatic guide.",
                UserWarning,
            )
        beginning.go_to(before)

    def _together(
        self, choice: Choice, beginning: Beginning, source: Source, batch: Batch
    ) -> tuple[list[Outcome], Callable[[int], object]] | Choice:
        """All as one program on XLA; an engine for one after another where that is another, or "auto" fails on XLA."""
        if choice.name != "xla":
            return choice
        before, options, scheduler = beginning.state(), self._options, self._session.problem.scheduler
        calls, steps = 0 if scheduler is None else scheduler.calls, None
        begin = time.perf_counter()
        with graceful_interrupt() as interrupt, progress_bar(source.total, options.progress) as display:
            try:
                streams = not source.is_same
                steps = Together(self._session, beginning, self._count, batch, choice.reason, streams)
                display.say(f"{self._count} restarts run on xla, all at once: {choice.reason}.")
                between = Between(interrupt, display.report, options.callback, options.callback_every, options.stop)
                why = self._drive(steps, source, between)
            except Exception as error:
                if not choice.falls_back or not is_of_engine(error) or (steps is not None and steps.has_begun):
                    raise
                warn_user(f"The steps are taken eagerly: {reason(error)}", UserWarning)
                if scheduler is not None:
                    scheduler.go_back(calls)
                beginning.go_to(before)
                return Choice("eager", reason(error))
        seconds = time.perf_counter() - begin
        fits = [self._fit(steps, row, seconds, interrupt.requested, why, source) for row in range(self._count)]
        return fits, steps.write

    def _drive(self, steps: Together, source: Source, between: Between) -> str | None:
        total, number, record = source.total, self._options.average, steps.leading
        try:
            why = drive(steps, source, record, between, None if total is None else total - number)
            if number and not between.interrupt.requested:
                steps.average = Average()
                drive(steps, source, record, replace(between, stop=None), record.num_steps + number)
        finally:
            steps.finish()
        return why

    def _fit(
        self, steps: Together, row: int, seconds: float, interrupted: bool, why: str | None, source: Source
    ) -> Outcome:
        averaged, record = steps.write(row), steps.records[row]
        failure = None if steps.failures[row] is None else str(steps.failures[row])
        return Outcome(
            losses=record.losses(),
            gradient_norms=record.gradient_norms(),
            params=constrained(record.names),
            wall_time=seconds,
            interrupted=interrupted,
            engine=steps.name,
            engine_reason=steps.reason,
            stopped=why,
            averaged=averaged,
            failure=failure,
            origin=origin_of(self._session, source, record.names),
        )

    def _one_by_one(self, choice: Choice, beginning: Beginning) -> tuple[list[Outcome], Callable[[int], object]]:
        fits, states = [], []
        for row in range(self._count):
            if row:
                beginning.anew()
            run = Run(self._session, self._source(), replace(self._options, engine=choice.name))
            try:
                fits.append(replace(run.take(), engine_reason=choice.reason))
            except NonFiniteError as error:
                if row == self._count - 1 and all(fit.failure is not None for fit in fits):
                    raise
                fits.append(Outcome(torch.empty(0), {}, {}, 0.0, engine=choice.name, failure=str(error)))
            states.append(beginning.state())
            if fits[-1].interrupted:
                break
        return fits, lambda row: beginning.go_to(states[row])

"""The steps of several restarts, taken as one program on XLA."""

from __future__ import annotations

from functools import partial
from itertools import groupby

import torch
from torch import Tensor

from virgil.engine.choice import restarted
from virgil.engine.loading import starting
from virgil.engine.runner import Course, Restarts
from virgil.errors import CaptureError, NonFiniteError
from virgil.infer.run.average import Average
from virgil.infer.run.feed import Feed
from virgil.infer.run.initial_values import Beginning
from virgil.infer.run.interrupt import Interrupt
from virgil.infer.run.outcome import tail_loss
from virgil.infer.run.source import Batch
from virgil.infer.step.arguments import arguments
from virgil.infer.step.compiled import CompiledStep
from virgil.infer.step.record import Record
from virgil.infer.step.session import Session

__all__ = ["Leading", "Together"]

_ATTEMPTS = 10  # initial values whose first step is not finite are drawn again


class Leading(Record):
    """The record of whichever restart is ahead.

    Args:
        records: of all restarts.
        goes_on: which of them are finite still.
    """

    def __init__(self, records: list[Record], goes_on: list[bool]) -> None:
        super().__init__()
        self._records = records
        self._goes_on = goes_on

    @property
    def number(self) -> int:
        """The number of the restart with the lowest loss over its last tenth."""
        ahead = {row: tail_loss(each.losses())[0] for row, each in enumerate(self._records) if self._goes_on[row]}
        return min(ahead, key=lambda row: ahead[row], default=0)

    @property
    def num_steps(self) -> int:
        """Of those that go on."""
        return max(each.num_steps for each in self._records)

    @property
    def last(self) -> float:
        """The last loss of the one ahead, nats."""
        return self._records[self.number].last

    def losses(self, last: int | None = None) -> Tensor:
        """The losses of the one ahead, nats."""
        return self._records[self.number].losses(last)


class Together:
    """Takes the steps of all restarts.

    Args:
        session: takes the steps.
        beginning: where restarts begin.
        count: how many.
        batch: the arguments of the first step, which is taken eagerly.
        reason: why on XLA.
        streams: whether steps have batches of their own.

    Raises:
        CaptureError: the step cannot be captured.
    """

    name = "xla"

    def __init__(
        self, session: Session, beginning: Beginning, count: int, batch: Batch, reason: str, streams: bool
    ) -> None:
        self.reason = reason
        self.average: Average | None = None  # its presence lets all be averaged
        self.records = [Record() for _ in range(count)]
        self.goes_on = [True] * count
        self.failures: list[NonFiniteError | None] = [None] * count
        self.leading = Leading(self.records, self.goes_on)
        self._averages = [Average() for _ in range(count)]
        self._session = session
        self._steps = session.compiled(self.name)
        self._feed = Feed(self._steps, streams=streams)
        self._streams = streams
        self._runners: dict[int, Restarts] = {}
        self._sure: list[CompiledStep] = []  # that do what the programs do, as nothing of the user's has run since
        self._seed, self._done = int(torch.randint(2**62, ())), 0
        self._states = [self._begin(number, beginning, batch) for number in range(count)]
        session.problem.advance_schedule(self.records[0].last)

    def _begin(self, number: int, beginning: Beginning, batch: Batch) -> list[Tensor]:
        """Take a restart's first step; returns the state after it."""
        for attempt in range(_ATTEMPTS):
            if number:
                beginning.anew()
            try:
                self._session.eager.take(batch.args, batch.kwargs, self.records[number])
            except NonFiniteError:
                if not number or attempt == _ATTEMPTS - 1:
                    raise
            else:
                break
        self._present = self._step(batch)
        return [each.detach().clone() for each in self._present.state.tensors()]

    def _step(self, batch: Batch) -> CompiledStep:
        step = self._steps.find(batch.args, batch.kwargs, self._sure) or self._steps.make(batch.args, batch.kwargs)
        if step is None:
            raise CaptureError(
                "The optimiser has not begun with all parameters after a step, so that restarts cannot run as one "
                "program. Use engine='eager'."
            )
        if step not in self._sure:
            self._sure.append(step)
        return step

    @property
    def has_begun(self) -> bool:
        """True if steps have been taken on the engine."""
        return self._done > 0

    def advance(self, batches: list[Batch], count: int, interrupt: Interrupt, then: int = 0) -> int:
        """Take ``count`` steps; Ctrl-C is seen after them."""
        if not self._streams:
            self._group(batches, count)
            return count
        for _, group in groupby(batches, lambda batch: arguments(batch.args, batch.kwargs).key):
            members = list(group)
            self._group(members, len(members))
        return len(batches)

    def _group(self, batches: list[Batch], count: int) -> None:
        step = self._present = self._step(batches[0])
        if id(step) not in self._runners:
            self._runners[id(step)] = restarted(step.runner.program)
        for batch in batches:
            self._session.guards.check_data(batch.args, batch.kwargs)
        runner = self._runners[id(step)]
        names = list(step.state.leaves)
        summed, inputs = 0 if self.average is None else len(names), self._feed.inputs(step, batches, count)
        with starting(self.name):
            runner.load(self._states, self.goes_on)
            courses = runner.advance(inputs, self._seed, self._done, count, summed)
        before, self._states = self._states, runner.states()
        for row, course in enumerate(courses):
            went_on = self.goes_on[row]
            self.records[row].extend(course.losses, names, course.norms)
            self.goes_on[row] = went_on and course.is_finite and step.is_sound(self._states[row])
            if self.average is not None:
                self._averages[row].add(names, course.sums, count)
            if went_on and not course.is_finite:
                self.failures[row] = self._explained(row, step, batches, course)
            elif went_on and not self.goes_on[row]:
                self._states[row] = before[row]
                self.failures[row] = NonFiniteError("a parameter became NaN or infinite by the optimiser's step")
        self._look_at_parameters(step)
        self._done += count
        if not any(self.goes_on):
            raise self._refusal()

    def _look_at_parameters(self, step: CompiledStep) -> None:
        """Raise an error if a parameter of a restart that goes on has left the set where its value is needed."""
        if self._session.guards.has_parameters:
            for row, state in enumerate(self._states):
                if self.goes_on[row]:
                    step.state.write(state)
                    self._session.guards.check_parameters()

    def _explained(self, row: int, step: CompiledStep, batches: list[Batch], course: Course) -> NonFiniteError:
        """Take the step at which a restart failed again, eagerly on the same noise."""
        step.state.write(self._states[row])
        taken = len(course.losses) - 1
        batch, runner = batches[taken if len(batches) > 1 else 0], self._runners[id(step)]
        noise = partial(runner.noise, self._seed, self._done + taken, row)
        return self._session.eager.explained(batch.args, batch.kwargs, noise, self.records[row].num_steps - 1)

    def _refusal(self) -> NonFiniteError:
        last = max(range(len(self.records)), key=lambda row: self.records[row].num_steps)
        error = self.failures[last]
        site = None if error is None else error.site
        return NonFiniteError(f"Each of the {len(self.records)} restarts failed, the last one so: {error}", site=site)

    def finish(self) -> None:
        """Give store, networks and optimiser the state of the restart that is ahead, for a user who may do anything."""
        self.write(self.leading.number)
        self._sure.clear()

    def write(self, number: int) -> int:
        """Give store, networks and optimiser the state of one restart; returns how many steps were averaged."""
        self._present.state.write(self._states[number])
        if self._averages[number].count:
            self._averages[number].write()
        return self._averages[number].count

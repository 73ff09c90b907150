"""The steps of several restarts, taken as one program on XLA."""

from __future__ import annotations

from itertools import groupby

import torch
from torch import Tensor

from virgil.engine.choice import restarted
from virgil.engine.runner import Course, Restarts
from virgil.errors import CaptureError, NonFiniteError
from virgil.infer.fit import tail_loss
from virgil.infer.interrupt import Interrupt
from virgil.infer.record import Record
from virgil.infer.run.average import Average
from virgil.infer.run.beginning import Beginning
from virgil.infer.run.feed import Feed
from virgil.infer.run.run import Steppable
from virgil.infer.run.source import Batch
from virgil.infer.step.arguments import arguments
from virgil.infer.step.compiled import CompiledStep

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
        """Which restart it is: the one with the lowest loss over its last tenth."""
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

    def losses(self) -> Tensor:
        """The losses of the one ahead, nats."""
        return self._records[self.number].losses()


class Together:
    """Takes the steps of all restarts.

    Args:
        svi: whose steps.
        beginning: where restarts begin.
        count: how many.
        batch: the arguments of the first step, which is taken eagerly.
        reason: why on XLA.

    Raises:
        CaptureError: the step cannot be captured.
    """

    name = "xla"

    def __init__(self, svi: Steppable, beginning: Beginning, count: int, batch: Batch, reason: str) -> None:
        self.reason = reason
        self.average: Average | None = None  # its presence lets all be averaged
        self.records = [Record() for _ in range(count)]
        self.goes_on = [True] * count
        self.leading = Leading(self.records, self.goes_on)
        self._averages = [Average() for _ in range(count)]
        self._svi = svi
        self._steps = svi.compiled(self.name)
        self._feed = Feed(self._steps, svi.scheduler)
        self._runners: dict[int, Restarts] = {}
        self._seed, self._done = int(torch.randint(2**62, ())), 0
        self._states = [self._begin(number, beginning, batch) for number in range(count)]
        svi.advance_schedule(self.records[0].last)

    def _begin(self, number: int, beginning: Beginning, batch: Batch) -> list[Tensor]:
        """Take a restart's first step; returns the state after it."""
        for attempt in range(_ATTEMPTS):
            if number:
                beginning.anew()
            try:
                self._svi.take_step(batch.args, batch.kwargs, self.records[number])
            except NonFiniteError:
                if not number or attempt == _ATTEMPTS - 1:
                    raise
            else:
                break
        self._present = self._step(batch)
        return [each.detach().clone() for each in self._present.state.tensors()]

    def _step(self, batch: Batch) -> CompiledStep:
        step = self._steps.find(batch.args, batch.kwargs) or self._steps.make(batch.args, batch.kwargs)
        if step is None:
            raise CaptureError(
                "The optimiser has not begun with all parameters after a step, so that restarts cannot run as one "
                "program. Use engine='eager'."
            )
        return step

    def advance(self, batches: list[Batch], count: int, interrupt: Interrupt) -> int:
        """Take ``count`` steps; Ctrl-C is seen after them."""
        if len(batches) == 1:
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
        runner = self._runners[id(step)]
        runner.load(self._states, self.goes_on)
        names = list(step.state.leaves)
        summed = 0 if self.average is None else len(names)
        courses = runner.advance(self._feed.inputs(step, batches, count), self._seed, self._done, count, summed)
        self._done += count
        self._states = runner.states()
        for row, course in enumerate(courses):
            self.records[row].extend(course.losses, names, course.norms)
            self.goes_on[row] = course.is_finite
            if self.average is not None:
                self._averages[row].add(names, course.sums, count)
        if not any(self.goes_on):
            raise self._refusal(names, max(courses, key=lambda course: len(course.losses)))

    def _refusal(self, names: list[str], course: Course) -> NonFiniteError:
        wrong = [name for name, norm in zip(names, course.norms[-1], strict=True) if not norm.isfinite()]
        return NonFiniteError(
            f"Loss or gradient became NaN or infinite in each of the {len(self.records)} restarts, in the last one at "
            f"step {self.leading.num_steps - 1}. A run without restarts= names the site.",
            site=wrong[0] if wrong else None,
        )

    def finish(self) -> None:
        """Give store, networks and optimiser the state of the restart that is ahead."""
        self.write(self.leading.number)

    def write(self, number: int) -> int:
        """Give store, networks and optimiser the state of one restart; returns how many steps were averaged."""
        self._present.state.write(self._states[number])
        if self._averages[number].count:
            self._averages[number].write()
        return self._averages[number].count

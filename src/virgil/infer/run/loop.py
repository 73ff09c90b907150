"""The loop of a run: stretches of steps, and what happens between them."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from virgil.infer.run.average import Average
from virgil.infer.run.interrupt import Interrupt
from virgil.infer.run.progress import Report
from virgil.infer.run.source import Batch, Source
from virgil.infer.run.stop import Stop
from virgil.infer.step.record import Record

__all__ = ["Between", "Callback", "Stepper", "drive"]

Callback = Callable[[int, float], object]

_SECONDS = 0.2  # a stretch lasts about as long: Ctrl-C and progress wait for its end
_STREAM = 256  # the longest stretch of mini-batches, which are held in memory together


class Stepper(Protocol):
    """Takes steps.

    Attributes:
        average: takes in the parameters after every step, if there is one.
    """

    average: Average | None

    @property
    def name(self) -> str:
        """The engine."""
        ...

    @property
    def reason(self) -> str:
        """Why it was chosen."""
        ...

    def advance(self, batches: list[Batch], count: int, interrupt: Interrupt, then: int = 0) -> int:
        """Take ``count`` steps, which ``then`` steps are likely to follow; returns how many were taken."""
        ...

    def finish(self) -> None:
        """Bring the state back to where users look for it."""
        ...


@dataclass(frozen=True)
class Between:
    """The events between stretches.

    Attributes:
        interrupt: Ctrl-C.
        report: shows steps done and the last loss.
        callback: the user's, called after every ``callback_every`` steps.
        stop: may end the run.
        save: writes the run to disk if it is time; what it is given says whether it must.
    """

    interrupt: Interrupt
    report: Report
    callback: Callback | None = None
    callback_every: int = 1
    stop: Stop | None = None
    save: Callable[[bool], None] | None = None

    def is_called(self, done: int) -> bool:
        """True if the user's callback is called after so many steps."""
        return self.callback is not None and done % self.callback_every == 0

    def distance(self, done: int) -> float:
        """How many steps may be taken before something is to happen at a certain step."""
        marks = [self.callback_every] if self.callback is not None else []
        marks += [self.stop.every] if self.stop is not None else []
        return min((mark - done % mark for mark in marks), default=math.inf)


def drive(stepper: Stepper, source: Source, record: Record, between: Between, limit: int | None = None) -> str | None:
    """Take the steps of a source, up to ``limit`` in the record.

    Returns:
        Why ``stop`` ended the run; ``None`` if it did not.
    """
    last = math.inf if limit is None else limit
    length: float = 1
    compares = True  # whether a stretch follows what a user has done, and begins with a look at the programs
    while record.num_steps < last and not between.interrupt.requested:
        done = record.num_steps
        count = int(min(length, last - done, between.distance(done)))
        then = min(last - done - count, between.distance(done + count))
        begin = time.perf_counter()
        batches = source.take(count)
        if not batches:
            break
        if source.is_same:  # and so is the next stretch, if it ends at a mark
            stepper.advance(batches, count, between.interrupt, int(then) if then <= length else 0)
        else:
            stepper.advance(batches, len(batches), between.interrupt)
        length = _next_length(length, record.num_steps - done, time.perf_counter() - begin, compares)
        if not source.is_same:
            length = min(length, _STREAM)
        why = _look(stepper, record, between)
        if why is not None:
            return why
        compares = between.is_called(record.num_steps)
    return None


def _look(stepper: Stepper, record: Record, between: Between) -> str | None:
    """Let the events between two stretches happen; returns why the run ends, if it does."""
    done = record.num_steps
    between.report(done, record.last)
    if between.callback is not None and between.is_called(done):
        stepper.finish()
        between.callback(done, record.last)
    if between.save is not None:
        between.save(False)
    return between.stop.reason(record) if between.stop is not None and done % between.stop.every == 0 else None


def _next_length(length: float, count: int, seconds: float, at_least: bool) -> float:
    """Half as many steps, or as many more as will take a fifth of a second, where ``count`` have taken ``seconds``.

    Not fewer where ``at_least``, because not all of the time was that of steps.
    """
    if seconds > 2 * _SECONDS and not at_least:
        return max(1, length // 2)
    if seconds < _SECONDS / 2:
        return max(length, count * _SECONDS / seconds)
    return length

"""The loop of a run: stretches of steps, and what happens between them."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Protocol

from virgil.errors import ArgumentError
from virgil.infer.interrupt import Interrupt
from virgil.infer.progress import Report
from virgil.infer.record import Record
from virgil.infer.run.source import Batch, Source
from virgil.infer.run.stop import Stop

__all__ = ["Callback", "Stepper", "drive"]

Callback = Callable[[int, float], object]

_SECONDS = 0.2  # a stretch lasts about as long: Ctrl-C and progress wait for its end
_STREAM = 256  # the longest stretch of mini-batches, which are held in memory together


class Stepper(Protocol):
    """Takes steps."""

    @property
    def name(self) -> str:
        """The engine."""
        ...

    @property
    def reason(self) -> str:
        """Why it was chosen."""
        ...

    def advance(self, batches: list[Batch], count: int, interrupt: Interrupt) -> int:
        """Take ``count`` steps; returns how many were taken."""
        ...

    def finish(self) -> None:
        """Bring the state back to where users look for it."""
        ...


def drive(
    stepper: Stepper,
    source: Source,
    record: Record,
    interrupt: Interrupt,
    report: Report,
    limit: int | None = None,
    callback: Callback | None = None,
    callback_every: int = 1,
    stop: Stop | None = None,
) -> str | None:
    """Take the steps of a source, ``limit`` of them at most.

    Returns:
        Why ``stop`` ended the run; ``None`` if it did not.

    Raises:
        ArgumentError: ``callback_every`` is out of range.
    """
    if callback is not None and callback_every < 1:
        raise ArgumentError(f"run() got callback_every={callback_every!r}; it takes a whole number, 1 or more.")
    left = source.total if limit is None else limit
    done, length = 0, 1
    while left is None or done < left:
        count = length if left is None else min(length, left - done)
        marks = ([callback_every] if callback is not None else []) + ([stop.every] if stop is not None else [])
        count = min([count, *(mark - record.num_steps % mark for mark in marks)])
        begin = time.perf_counter()
        batches = source.take(count)
        taken = stepper.advance(batches, min(count, len(batches)) if not source.is_same else count, interrupt)
        done += taken
        report(record.num_steps, record.last)
        if callback is not None and record.num_steps % callback_every == 0:
            stepper.finish()
            callback(record.num_steps, record.last)
        if stop is not None and record.num_steps % stop.every == 0 and (why := stop.reason(record)):
            return why
        if interrupt.requested or taken < count:
            break
        length = _next_length(length, time.perf_counter() - begin, source.is_same)
    return None


def _next_length(length: int, seconds: float, is_same: bool) -> int:
    """Twice or half as many steps, so that a stretch lasts about a fifth of a second."""
    if seconds > 2 * _SECONDS:
        return max(1, length // 2)
    if seconds < _SECONDS / 2:
        length *= 2
    return length if is_same else min(length, _STREAM)

"""Timing of steps that are taken many in one call: what a long run takes beyond a short one.

What comes once a run (tracing, compiling, checks) is in both and drops out.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from statistics import median

__all__ = ["Run", "marginal", "steady"]

Run = Callable[[int], object]
"""Takes so many steps."""

_SHORT = 1_000
_REPEATS = 3


def _seconds(run: Run, count: int) -> float:
    begin = time.perf_counter()
    run(count)
    return time.perf_counter() - begin


def marginal(run: Run, short: int, more: int) -> tuple[float, float]:
    """Seconds that a run takes for ``more`` steps beyond those of a short run, and seconds of the short run."""
    once = _seconds(run, short)
    return _seconds(run, short + more) - once, once


def steady(run: Run, first: float, least: float, budget: float) -> float:
    """Seconds a step, the median of three differences.

    Args:
        run: takes steps.
        first: seconds that 1,000 steps took.
        least: seconds that a difference is to have: runs grow until it is there, and is as large as the short run,
            whose own time varies with what comes once.
        budget: seconds after which what there is must do.
    """
    end = time.monotonic() + budget
    short = max(1, min(_SHORT, int(_SHORT * least / first / 4)))
    more, found = 2 * short, list[float]()
    while len(found) < _REPEATS and (not found or time.monotonic() < end):
        taken, once = marginal(run, short, more)
        wanted = max(least, once)
        if taken >= wanted or time.monotonic() > end:
            found.append(taken / more)
        else:
            more = int(more * (min(20.0, max(2.0, 1.5 * wanted / taken)) if taken > 0 else 10.0))
    return median(found)

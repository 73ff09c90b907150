"""``python -m benchmarks.engine.child``: one row, in a process of its own; prints what it finds as lines of JSON."""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Sequence
from statistics import mean, median, stdev

from benchmarks.engine.engines import ENGINES, Take
from benchmarks.engine.problem import STEPS
from benchmarks.harness.memory import peak_memory

REPEATS = 3
ALONE = 2  # steps that may compile or check, where steps are taken one by one


def _say(**found: object) -> None:
    print(json.dumps(found), flush=True)


def _seconds(take: Take, count: int) -> float:
    begin = time.perf_counter()
    take(count, float("inf"))
    return time.perf_counter() - begin


def steady(take: Take, first: float, least: float, budget: float) -> float:
    """Seconds a step: what a long run takes beyond a short one, divided by the steps between.

    What comes once a run (tracing, compiling, checks) is in both and drops out.

    Args:
        take: takes steps.
        first: seconds that the first 1,000 steps took.
        least: the difference that is asked for, in seconds; runs grow until it is there, and at least as large as the
            short run, whose own time varies with what comes once.
        budget: seconds after which what there is must do.
    """
    end = time.monotonic() + budget
    short = max(1, min(STEPS, int(STEPS * least / first / 4)))
    more, found = 2 * short, list[float]()
    while len(found) < REPEATS and (not found or time.monotonic() < end):
        once = _seconds(take, short)
        taken = _seconds(take, short + more) - once
        if taken >= max(least, once) or time.monotonic() > end:
            found.append(taken / more)
        else:
            more = int(more * (min(20.0, max(2.0, 1.5 * max(least, once) / taken)) if taken > 0 else 10.0))
    return median(found)


def _last(losses: Sequence[float]) -> tuple[float, float]:
    tail = losses[-max(2, len(losses) // 4) :]
    return mean(tail), stdev(tail) / len(tail) ** 0.5


def main() -> None:
    """Take 1,000 steps, say when they were done, then look at how fast steps are."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.engine.child", description=__doc__)
    parser.add_argument("program")
    parser.add_argument("engine", choices=list(ENGINES))
    parser.add_argument("--begun", type=float, required=True, help="time.monotonic() when this process was started")
    parser.add_argument("--limit", type=float, required=True, help="seconds for the 1,000 steps")
    parser.add_argument("--steady", type=float, default=0.0, help="seconds by which a long run is to be longer")
    args = parser.parse_args()

    engine = ENGINES[args.engine]
    take, until = engine.begin(args.program), args.begun + args.limit
    begin = time.monotonic()
    losses = [] if engine.caches else list(take(ALONE, until))
    middle = time.monotonic()
    losses += take(STEPS - len(losses), until)
    end = time.monotonic()
    loss, error = _last(losses)
    _say(steps=len(losses), first=end - begin, loss=loss, error=error, peak=peak_memory())
    if len(losses) < STEPS:
        if len(losses) > ALONE:
            _say(steady=(end - middle) / (len(losses) - ALONE))
        return
    _say(seconds=end - args.begun)
    if args.steady:
        _say(steady=steady(take, end - begin, args.steady, 20.0))


if __name__ == "__main__":
    main()

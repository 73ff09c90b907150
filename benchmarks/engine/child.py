"""``python -m benchmarks.engine.child``: one row, in a process of its own; prints what it finds as lines of JSON."""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Sequence
from statistics import mean, stdev

from benchmarks.engine.engines import ENGINES
from benchmarks.engine.problem import STEPS
from benchmarks.harness.marginal import steady
from benchmarks.harness.memory import peak_memory

BUDGET = 20.0  # seconds for steady steps
ALONE = 2  # steps that may compile or check, where steps are taken one by one


def _say(**found: object) -> None:
    print(json.dumps(found), flush=True)


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
        forever = float("inf")
        _say(steady=steady(lambda count: take(count, forever), end - begin, args.steady, BUDGET))


if __name__ == "__main__":
    main()

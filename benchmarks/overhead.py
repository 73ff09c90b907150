"""``python -m benchmarks.overhead``: what progress, Ctrl-C, records and callbacks add to the steps of a run.

The bare engine takes the same steps in one call, and what it recorded is thrown away.
"""

from __future__ import annotations

import argparse
import os
from collections.abc import Callable
from contextlib import redirect_stderr
from statistics import median

import virgil
import virgil.infer.autoguide
import virgil.optim
from benchmarks.engine.torch_programs import PROGRAMS
from benchmarks.harness.machine import describe, load
from benchmarks.harness.marginal import Run, marginal
from benchmarks.harness.table import Table, write
from virgil.engine.runner import Inputs
from virgil.infer.step.arguments import arguments

NAMES = ["eight schools", "mixture", "logistic regression"]
EVERY, GOAL = 1_000, 1.02


def runs(name: str, engine: str) -> dict[str, Run]:
    """The ways to take a program's steps."""
    virgil.set_rng_seed(0)
    problem = PROGRAMS[name](virgil)
    loss = virgil.infer.Trace_ELBO() if problem.nesting is None else virgil.infer.TraceEnum_ELBO()
    optim = virgil.optim.Adam({"lr": problem.rate})
    svi = virgil.infer.SVI(problem.model, problem.guide, optim, loss, params=virgil.ParamStore())
    svi.run(10, *problem.args, engine=engine)
    with svi.params:
        steps = svi.session.compiled(engine)
        step = steps.find(problem.args, {})
        if step is None:
            raise RuntimeError("the step was not captured")
        inputs = Inputs(dict(enumerate([*arguments(problem.args, {}).tensors, *steps.rates()])), {})
    step.load()

    def called(done: int, last: float) -> None:
        """Do nothing."""

    def run(**options: object) -> Callable[[int], object]:
        return lambda count: svi.run(count, *problem.args, engine=engine, **options)

    return {
        "bare": lambda count: step.runner.advance(inputs, 0, 0, count),
        "run": run(progress=False),
        "run, progress, callback": run(callback=called, callback_every=EVERY),
    }


def main() -> None:
    """Print the table and write it into benchmarks/README.md."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.overhead", description=__doc__)
    parser.add_argument("--engine", default="xla", choices=["xla", "inductor"])
    parser.add_argument("--rounds", type=int, default=11, help="interleaved blocks of each")
    parser.add_argument("--steps", type=int, default=40_000, help="by which a long run is longer than a short one")
    parser.add_argument("--no-write", action="store_true", help="leave benchmarks/README.md as it is")
    args = parser.parse_args()

    before = load()
    os.environ["TTY_COMPATIBLE"] = "1"  # rich draws as on a terminal
    table = Table(
        f"A step on {args.engine}, µs: median over {args.rounds} rounds; callbacks every {EVERY:,} steps",
        ["program", "way", "µs", "over bare", "goal"],
    )
    for name in NAMES:
        found = runs(name, args.engine)
        seconds: dict[str, list[float]] = {way: [] for way in found}
        with open(os.devnull, "w") as nowhere, redirect_stderr(nowhere):
            for _ in range(args.rounds):
                for way, run in found.items():
                    seconds[way].append(marginal(run, args.steps // 20, args.steps)[0] / args.steps)
        for way, each in seconds.items():
            ratio = median(one / bare for one, bare in zip(each, seconds["bare"], strict=True))
            goal = "" if way == "bare" else f"≤ {GOAL}"
            table.rows.append([name, way, f"{1e6 * median(each):.2f}", f"{ratio:.3f}", goal])
    table.show()
    notes = describe(["torch", "jax", "virgil-ppl"], "benchmarks.overhead", before)
    print("\n".join(notes))
    if not args.no_write:
        write("overhead", "\n\n".join([table.markdown(), "  \n".join(notes)]))


if __name__ == "__main__":
    main()

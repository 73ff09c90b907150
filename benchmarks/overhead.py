"""``python -m benchmarks.overhead``: what progress, Ctrl-C, records and callbacks add to the steps of a run.

The bare engine takes the same steps in one call, and what it recorded is thrown away. When a run begins, and after each
callback, the programs are compared with their captured step; the second table says what that takes, beside an eager
step and a capture.
"""

from __future__ import annotations

import argparse
import os
import time
from collections.abc import Callable
from contextlib import redirect_stderr
from statistics import median
from typing import Any

import virgil
import virgil.infer.autoguide
import virgil.optim
from benchmarks.engine.problem import Problem
from benchmarks.engine.torch_programs import PROGRAMS
from benchmarks.harness.machine import describe, load
from benchmarks.harness.marginal import Run, marginal
from benchmarks.harness.table import Table, write
from virgil.engine.runner import Inputs
from virgil.infer.step.arguments import arguments
from virgil.infer.step.compiled import CompiledStep, CompiledSteps

NAMES = ["eight schools", "mixture", "logistic regression"]
COMPARED = [*NAMES, "VAE", "LDA", "HMM, DiscreteHMM", "HMM"]
EVERY, GOAL = 1_000, 1.02


def begun(name: str, engine: str) -> tuple[Problem, Any, CompiledSteps, CompiledStep]:
    """A program, whose step has been captured."""
    virgil.set_rng_seed(0)
    problem = PROGRAMS[name](virgil)
    loss = virgil.infer.Trace_ELBO() if problem.nesting is None else virgil.infer.TraceEnum_ELBO()
    optim = virgil.optim.Adam({"lr": problem.rate})
    svi = virgil.infer.SVI(problem.model, problem.guide, optim, loss, params=virgil.ParamStore())
    svi.run(10, *problem.args, engine=engine, progress=False)
    with svi.params:
        steps = svi.session.compiled(engine)
        step = steps.find(problem.args, {})
    if step is None:
        raise RuntimeError("the step was not captured")
    return problem, svi, steps, step


def runs(name: str, engine: str) -> dict[str, Run]:
    """The ways to take a program's steps."""
    problem, svi, steps, step = begun(name, engine)
    inputs = Inputs(dict(enumerate([*arguments(problem.args, {}).tensors, *steps.rates()])), {})
    step.load()

    def called(done: int, last: float) -> None:
        """Do nothing."""

    def run(**options: object) -> Callable[[int], object]:
        return lambda count: svi.run(count, *problem.args, engine=engine, **options)

    return {
        "bare": lambda count: step.runner.advance(inputs, 0, 0, count),
        "run": run(progress=False),
        "run, progress": run(),
        f"run, a callback every {EVERY:,}": run(progress=False, callback=called, callback_every=EVERY),
    }


def steps_table(engine: str, rounds: int, steps: int) -> Table:
    """What a step takes, and what a callback adds."""
    title = f"A step on {engine}, µs: median over {rounds} rounds"
    table = Table(title, ["program", "way", "µs", "over bare", "goal", "a callback, ms"])
    for name in NAMES:
        found = runs(name, engine)
        seconds: dict[str, list[float]] = {way: [] for way in found}
        with open(os.devnull, "w") as nowhere, redirect_stderr(nowhere):
            for _ in range(rounds):
                for way, run in found.items():
                    seconds[way].append(marginal(run, steps // 20, steps)[0] / steps)
        for way, each in seconds.items():
            ratio = median(one / bare for one, bare in zip(each, seconds["bare"], strict=True))
            calls = [(one - run) * EVERY for one, run in zip(each, seconds["run"], strict=True)]
            callback = f"{1e3 * median(calls):.2f}" if "callback" in way else ""
            goal = "" if callback or way == "bare" else f"≤ {GOAL}"
            table.rows.append([name, way, f"{1e6 * median(each):.2f}", f"{ratio:.3f}", goal, callback])
    return table


def comparisons_table(engine: str, rounds: int) -> Table:
    """What it takes to compare programs with their captured step."""
    title = f"The programs compared with their captured step, ms: median over {rounds} rounds"
    table = Table(title, ["program", "operators", "an eager step", "a comparison", "in eager steps", "capture, s"])
    for name in COMPARED:
        problem, svi, steps, step = begun(name, engine)
        eager, compared = list[float](), list[float]()
        for _ in range(rounds):
            begin = time.perf_counter()
            svi.step(*problem.args)
            eager.append(time.perf_counter() - begin)
            with svi.params:
                begin = time.perf_counter()
                steps.find(problem.args, {})
                compared.append(time.perf_counter() - begin)
        ratio = median(compared) / median(eager)
        times = [f"{1e3 * median(each):.2f}" for each in (eager, compared)]
        calls = f"{step.verification.num_calls:,}"
        table.rows.append([name, calls, *times, f"{ratio:.1f}", f"{step.capture_time:.2f}"])
    return table


def main() -> None:
    """Print the tables and write them into benchmarks/README.md."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.overhead", description=__doc__)
    parser.add_argument("--engine", default="xla", choices=["xla", "inductor"])
    parser.add_argument("--rounds", type=int, default=11, help="interleaved blocks of each")
    parser.add_argument("--steps", type=int, default=40_000, help="by which a long run is longer than a short one")
    parser.add_argument("--no-write", action="store_true", help="leave benchmarks/README.md as it is")
    args = parser.parse_args()

    before = load()
    os.environ["TTY_COMPATIBLE"] = "1"  # rich draws as on a terminal
    tables = [steps_table(args.engine, args.rounds, args.steps), comparisons_table(args.engine, args.rounds)]
    for table in tables:
        table.show()
    notes = describe(["torch", "jax", "virgil-ppl"], "benchmarks.overhead", before)
    print("\n".join(notes))
    if not args.no_write:
        write("overhead", "\n\n".join([*(table.markdown() for table in tables), "  \n".join(notes)]))


if __name__ == "__main__":
    main()

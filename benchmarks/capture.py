"""``python -m benchmarks.capture``: seconds to capture and to compile a step, against the size of its graph.

The step is that of a hidden Markov model with a ``markov`` loop of growing length, whose every round adds operations.
"""

from __future__ import annotations

import argparse
import time
from typing import Any
from unittest.mock import patch

import torch
from torch import Tensor

import virgil
import virgil.distributions as dist
from benchmarks.harness.machine import describe, load
from benchmarks.harness.table import Table, write
from virgil.engine.recording.capture import capture
from virgil.engine.recording.program import Program
from virgil.infer import SVI, TraceEnum_ELBO, config_enumerate

LENGTHS = [2, 8, 32, 128, 512]


@config_enumerate
def model(data: Tensor) -> None:
    """A chain of three states."""
    moves = virgil.param("moves", torch.eye(3))
    locs = virgil.param("locs", torch.tensor([-1.0, 0.0, 1.0]))
    state = virgil.sample("start", dist.Categorical(logits=torch.zeros(3)))
    for t in virgil.markov(range(len(data))):
        state = virgil.sample(f"state_{t}", dist.Categorical(logits=moves[state]))
        virgil.sample(f"x_{t}", dist.Normal(locs[state], 1.0), obs=data[t])


def guide(data: Tensor) -> None:
    """Everything is summed out or a parameter."""


def _row(length: int, engine: str) -> tuple[list[str], float]:
    """A line of the table, and how long it took, seconds."""
    virgil.clear_param_store()
    virgil.set_rng_seed(0)
    begin = time.perf_counter()
    data = torch.randn(length)
    svi = SVI(model, guide, virgil.optim.Adam({"lr": 0.01}), TraceEnum_ELBO(max_plate_nesting=0))
    svi.step(data)  # the optimiser has begun with every parameter, as capture asks
    programs: list[Program] = []

    def kept(*args: Any) -> Program:
        programs.append(capture(*args))
        return programs[-1]

    with patch("virgil.engine.recording.capture.capture", kept):
        captured = svi.session.compiled(engine).make((data,), {})
    if captured is None:
        raise RuntimeError("the step was not captured")
    compiled = -time.perf_counter()
    svi.run(1, data, engine=engine, progress=False)
    compiled += time.perf_counter()
    nodes = programs[0].num_nodes
    line = [
        f"{length:,}",
        f"{nodes:,}",
        f"{captured.capture_time:.2f}",
        f"{1e3 * captured.capture_time / nodes:.2f}",
        f"{compiled:.2f}",
        f"{1e3 * compiled / nodes:.2f}",
    ]
    return line, time.perf_counter() - begin


def main() -> None:
    """Print the table and write it into benchmarks/README.md."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.capture", description=__doc__)
    parser.add_argument("--engine", default="xla", choices=["xla", "inductor"])
    parser.add_argument("--lengths", type=int, nargs="+", default=LENGTHS)
    parser.add_argument("--limit", type=float, default=120.0, help="seconds; no longer chain after one that took more")
    parser.add_argument("--no-write", action="store_true", help="leave benchmarks/README.md as it is")
    args = parser.parse_args()

    before = load()
    table = Table(
        f"Seconds to capture and to compile a step on {args.engine}, by its number of operations",
        ["length of the chain", "operations", "capture, s", "ms each", "compile and first step, s", "ms each"],
    )
    _row(1, args.engine)  # what is loaded once
    for length in args.lengths:
        line, seconds = _row(length, args.engine)
        table.rows.append(line)
        print(*line, flush=True)
        if seconds > args.limit:
            break
    table.show()
    notes = describe(["torch", "jax", "virgil-ppl"], "benchmarks.capture", before)
    print("\n".join(notes))
    if not args.no_write:
        write("capture", "\n\n".join([table.markdown(), "  \n".join(notes)]))


if __name__ == "__main__":
    main()

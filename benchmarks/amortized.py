"""``python -m benchmarks.amortized``: time and memory of an amortised guide, by the number of groups."""

from __future__ import annotations

import argparse
import time

import torch
from torch import Tensor

import virgil
import virgil.distributions as dist
from benchmarks.harness.machine import describe, load
from benchmarks.harness.memory import forget_peak, peak_memory
from benchmarks.harness.table import Table, write
from virgil.infer import SVI, Trace_ELBO
from virgil.infer.autoguide import AutoAmortized

BATCH, WITHIN = 100, 5
SIZES = [1_000, 10_000, 100_000]


def hierarchy(y: Tensor) -> None:
    """Groups around a mean, each with a few observations; a step takes so many groups."""
    mu = virgil.sample("mu", dist.Normal(0.0, 5.0))
    with virgil.plate("groups", len(y), subsample_size=BATCH, dim=-2) as chosen:
        z = virgil.sample("z", dist.Normal(mu, 1.0))
        with virgil.plate("within", WITHIN, dim=-1):
            virgil.sample("y", dist.Normal(z, 1.0), obs=y[chosen])


def measure(size: int, steps: int) -> list[str]:
    """One row: seconds a step, peak memory beyond what was held before, size of the data, numbers in the guide."""
    y = torch.randn(size, 1) + torch.randn(size, WITHIN) + 2.0
    guide = AutoAmortized(hierarchy, "groups")
    optim = virgil.optim.Adam({"lr": 0.01})
    svi = SVI(hierarchy, guide, optim, Trace_ELBO(), params=virgil.ParamStore())
    svi.run(10, y, engine="eager", progress=False)
    forget_peak()
    before = peak_memory()
    begin = time.perf_counter()
    svi.run(steps, y, engine="eager", progress=False)
    seconds = (time.perf_counter() - begin) / steps
    added = (peak_memory() - before) / 2**20
    count = sum(leaf.numel() for leaf in guide.parameters())
    return [f"{size:,}", f"{1e3 * seconds:.2f}", f"{added:.1f}", f"{y.nbytes / 2**20:.1f}", f"{count:,}"]


def main() -> None:
    """Print the table and write it into benchmarks/README.md."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.amortized", description=__doc__)
    parser.add_argument("--steps", type=int, default=500, help="of which the mean is taken")
    parser.add_argument("--no-write", action="store_true", help="leave benchmarks/README.md as it is")
    args = parser.parse_args()

    before = load()
    columns = ["groups", "ms a step", "peak memory added, MiB", "data, MiB", "parameters"]
    table = Table(f"An eager step with a mini-batch of {BATCH} groups", columns)
    measure(SIZES[0], 20)  # what is made once in a process
    for size in SIZES:
        table.rows.append(measure(size, args.steps))
    table.show()
    notes = describe(["torch", "virgil-ppl"], "benchmarks.amortized", before)
    print("\n".join(notes))
    if not args.no_write:
        write("amortized", "\n\n".join([table.markdown(), "  \n".join(notes)]))


if __name__ == "__main__":
    main()

"""``python -m benchmarks.subsample``: a step's time by the size of the plate of which a mini-batch is drawn."""

from __future__ import annotations

import argparse
from statistics import median, quantiles

import torch
from torch import Tensor

import virgil
import virgil.distributions as dist
from benchmarks.harness.machine import describe, load
from benchmarks.harness.marginal import Run, marginal
from benchmarks.harness.table import Table, write
from virgil.infer import SVI, Trace_ELBO
from virgil.infer.autoguide import AutoNormal

BATCH = 100
SIZES = [10**power for power in range(3, 8)]
GOAL = 1.5


def fit(size: int, engine: str) -> Run:
    """A mean and a scale, fitted by mini-batches of so many rows."""
    data = 3.0 + 2.0 * torch.randn(size, generator=torch.Generator().manual_seed(0))

    def model(data: Tensor) -> None:
        loc = virgil.sample("loc", dist.Normal(0.0, 10.0))
        scale = virgil.sample("scale", dist.LogNormal(0.0, 1.0))
        with virgil.plate("data", len(data), subsample_size=BATCH) as chosen:
            virgil.sample("x", dist.Normal(loc, scale), obs=data[chosen])

    svi = SVI(model, AutoNormal(model), virgil.optim.Adam({"lr": 0.01}), Trace_ELBO(), params=virgil.ParamStore())
    return lambda count: svi.run(count, data, engine=engine, progress=False)


def main() -> None:
    """Print the table and write it into benchmarks/README.md."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.subsample", description=__doc__)
    parser.add_argument("--engine", default="xla", choices=["eager", "xla", "inductor"])
    parser.add_argument("--rounds", type=int, default=11, help="interleaved blocks of each size")
    parser.add_argument("--steps", type=int, default=20_000, help="by which a long run is longer than a short one")
    parser.add_argument("--no-write", action="store_true", help="leave benchmarks/README.md as it is")
    args = parser.parse_args()

    before = load()
    fits = {size: fit(size, args.engine) for size in SIZES}
    for run in fits.values():
        run(args.steps)
    seconds: dict[int, list[float]] = {size: [] for size in SIZES}
    for _ in range(args.rounds):
        for size, run in fits.items():
            seconds[size].append(marginal(run, args.steps // 20, args.steps)[0] / args.steps)
    table = Table(
        f"A step on {args.engine} with a mini-batch of {BATCH}, µs: median over {args.rounds} rounds",
        ["size of the plate", "µs", "over the smallest", "quartiles by round", "goal"],
    )
    smallest = seconds[SIZES[0]]
    for size, each in seconds.items():
        spread = quantiles([one / other for one, other in zip(each, smallest, strict=True)], n=4)
        quartiles = " ".join(f"{value:.2f}" for value in spread)
        ratio = median(each) / median(smallest)
        table.rows.append([f"{size:,}", f"{1e6 * median(each):.1f}", f"{ratio:.2f}", quartiles, f"≤ {GOAL}"])
    table.show()
    notes = describe(["torch", "jax", "virgil-ppl"], "benchmarks.subsample", before)
    print("\n".join(notes))
    if not args.no_write:
        write("subsample", "\n\n".join([table.markdown(), "  \n".join(notes)]))


if __name__ == "__main__":
    main()

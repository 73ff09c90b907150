"""``python -m benchmarks.checks``: what the checks of a model and guide cost on the examples: first step, and later.

The checks' own time is that spent inside them at the first step, dry run and step together. Beside it, how much longer
the first step takes with checks than without: it has what is executed for the checks alone, such as the comparison of
an enumerated program with one value at a time.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from statistics import median
from time import process_time
from typing import Any

import torch
from torch import nn

import virgil
from benchmarks.harness.machine import describe, load
from benchmarks.harness.table import Table, write
from virgil import settings
from virgil.examples import coin, hmm, lda_model, mixture_model, regression, schools, ssvae, vae
from virgil.examples.data import diabetes, digits, faithful, gdp
from virgil.infer import ELBO, SVI, Trace_ELBO, TraceEnum_ELBO
from virgil.infer.autoguide import AutoDelta, AutoNormal
from virgil.infer.elbo import program_structure as structure
from virgil.poutine import block

GOAL = 50.0
Program = tuple[Callable[..., Any], Callable[..., Any], tuple[Any, ...], type[ELBO]]


def programs() -> dict[str, Program]:
    """Model, guide, arguments and objective of each example."""
    virgil.set_rng_seed(0)
    autoencoder, with_labels = vae.VAE(), ssvae.SSVAE()
    words = lda_model.draw_corpus().words
    mixture = AutoDelta(block(mixture_model.model, expose=mixture_model.POINTS))
    _, covariates, targets = diabetes.load()
    train, _ = digits.load()
    found: dict[str, Program] = {
        "schools": (schools.model, AutoNormal(schools.model), (schools.ERRORS, schools.EFFECTS), Trace_ELBO),
        "coin": (coin.model, coin.guide, (coin.FLIPS,), Trace_ELBO),
        "regression": (regression.model, regression.guide, (covariates, targets), Trace_ELBO),
        "mixture": (mixture_model.model, mixture, (faithful.load().data,), TraceEnum_ELBO),
        "vae": (autoencoder.model, autoencoder.guide, (train.images[: vae.BATCH],), Trace_ELBO),
        "ssvae": (
            with_labels.model_of_all,
            with_labels.guide_of_all,
            (ssvae.withhold(train, ssvae.LABELS[0]),),
            TraceEnum_ELBO,
        ),
    }
    for form, model in (("hmm, step by step", hmm.model), ("hmm, at once", hmm.vectorised)):
        found[form] = (model, AutoDelta(block(model, expose=hmm.POINTS)), (gdp.load().percent,), TraceEnum_ELBO)
    for form, model in (("lda, words", lda_model.word_model), ("lda, bags", lda_model.bag_model)):
        guide = lda_model.Guide(lda_model.network(nn.Softmax(-1)), lda_model.first_counts(words))
        found[form] = (model, guide, (words,), TraceEnum_ELBO)
    return found


class Spent:
    """Stands for ``check`` and adds up its time."""

    def __init__(self) -> None:
        self.real, self.seconds, self.calls = structure.check, 0.0, 0

    def __call__(self, *args: Any, **options: Any) -> None:
        """Check, by the processor's clock."""
        start = process_time()
        self.real(*args, **options)
        self.seconds += process_time() - start
        self.calls += 1


def measure(program: Program) -> tuple[float, float, int]:
    """The checks' own seconds at the first step, the seconds of that step, and how often three more steps check."""
    model, guide, args, loss = program
    svi, spent = SVI(model, guide, virgil.optim.SGD({"lr": 1e-9}), loss()), Spent()
    structure.check = spent
    try:
        with virgil.ParamStore():
            start = process_time()
            svi.step(*args)
            first, own, calls = process_time() - start, spent.seconds, spent.calls
            for _ in range(3):
                svi.step(*args)
    finally:
        structure.check = spent.real
    return own, first, spent.calls - calls


def main() -> None:
    """Print the table and write it into benchmarks/README.md."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.checks", description=__doc__)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--no-write", action="store_true", help="leave benchmarks/README.md as it is")
    args = parser.parse_args()

    before = load()
    torch.set_num_threads(1)
    table = Table(
        f"The checks at the first step, ms of one core: median over {args.rounds} rounds",
        ["example", "checks", "first step", "first step without checks", "calls in three more", "goal"],
    )
    for name, program in programs().items():
        measure(program)  # what is made once a process
        checked = [measure(program) for _ in range(args.rounds)]
        with settings.context(validate=False):
            bare = [measure(program)[1] for _ in range(args.rounds)]
        own, first = (median(column) for column in list(zip(*checked, strict=True))[:2])
        more = max(calls for _, _, calls in checked)
        times = [f"{1e3 * seconds:.1f}" for seconds in (own, first, median(bare))]
        table.rows.append([name, *times, str(more), f"checks ≤ {GOAL:.0f}"])
    table.show()
    notes = describe(["torch", "virgil-ppl"], "benchmarks.checks", before)
    print("\n".join(notes))
    if not args.no_write:
        write("checks", "\n\n".join([table.markdown(), "  \n".join(notes)]))


if __name__ == "__main__":
    main()

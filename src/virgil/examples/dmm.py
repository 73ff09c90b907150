"""A deep Markov model of Bach's chorales, with a guide that reads them *(Krishnan, Shalit and Sontag 2017)*.

A path of hidden states runs through a chorale. The next state is normal, its mean and sds given by a gated network of
the state before, and each state gives every key of the piano a chance to sound in its quarter. The guide has a
recurrent network that reads the notes from the end to the beginning, and draws each state given the one before and
what it has read of the notes from there on: what the exact posterior depends on, no more and no less (section 4).

A path is one site, whose distribution is ``dmm_path.Path``. A site for each quarter would be as readable, but the model
meets a path that the guide has drawn, so all its steps are known and their density is one call of each network; only
the guide's draw goes from quarter to quarter. So a step has three sample statements in place of 192, and its graph, in
which a Python loop is unrolled, stays short enough to compile.

Chorales have different lengths; steps behind the end are masked. At first the divergence of the path counts less,
which keeps the guide from settling at the model's own paths: how much is an argument of model and guide, so that a step
captured once serves for all of the run.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import torch
from torch import Tensor
from torch.utils.data import DataLoader, TensorDataset

import virgil
from virgil.examples.data.chorales import Chorales, load
from virgil.examples.dmm_baselines import STATES, frequencies, hidden_markov, transitions
from virgil.examples.dmm_model import Guide, Model
from virgil.examples.dmm_scores import importance_bound, predict, predictive
from virgil.examples.reports.dmm import Bounds, draw, report
from virgil.infer import SVI, Trace_ELBO
from virgil.params import ParamStore

__all__ = ["BATCH", "Batches", "bound", "fit", "main"]

BATCH = 20  # chorales a step
LEAST = 0.1  # of the divergence counts at first
ANNEALED = 0.3  # of all steps until all of it does


class Batches:
    """The arguments of ``steps`` steps: mini-batches, epoch after epoch, and how much the divergence counts."""

    def __init__(self, chorales: Chorales, steps: int) -> None:
        self.steps = steps
        self.loader = DataLoader(TensorDataset(*chorales), batch_size=BATCH, shuffle=True, drop_last=True)

    def __len__(self) -> int:
        return self.steps

    def __iter__(self) -> Iterator[tuple[Tensor, Tensor, Tensor]]:
        step = 0
        while True:
            for notes, lengths in self.loader:
                yield notes, lengths, torch.tensor(min(1.0, LEAST + (1 - LEAST) * step / (ANNEALED * self.steps)))
                step += 1
                if step == self.steps:
                    return


def bound(model: Model, guide: Guide, chorales: Chorales, particles: int = 1) -> float:
    """The ELBO, nats a quarter."""
    return -Trace_ELBO(num_particles=particles).loss(model, guide, *chorales) / chorales.quarters


def fit(model: Model, guide: Guide, train: Chorales, validation: Chorales, steps: int) -> list[Bounds]:
    """Learn all networks; returns the bounds of both parts on the way."""
    optim = virgil.optim.ClippedAdam({"lr": 0.01, "lrd": 0.03 ** (1 / steps)})  # the rate falls to 0.03 of itself
    bounds: list[Bounds] = []

    def note(step: int, loss: float) -> None:
        bounds.append(Bounds(step, bound(model, guide, train), bound(model, guide, validation)))

    with ParamStore():
        svi = SVI(model, guide, optim, Trace_ELBO())
        svi.run(epochs=1, data=Batches(train, steps), callback=note, callback_every=max(1, steps // 24))
    return bounds


def main(steps: int = 1200, seed: int = 0, out: Path = Path("demo")) -> None:
    """Fit, print what the test chorales' probability is by this model and others, draw bounds and one chorale."""
    virgil.set_rng_seed(seed)
    train, validation, test = load()
    model, guide = Model(), Guide()
    bounds = fit(model, guide, train, validation, steps)
    scores = {
        "each key by its frequency": frequencies(train, test),
        "and by whether it sounded before": transitions(train, test),
        f"hidden Markov model, {STATES} states": hidden_markov(train, test, max(1, steps // 4)),
        "deep Markov model, ELBO": bound(model, guide, test, particles=10),
        "its importance-weighted bound": importance_bound(model, guide, test),
        "its predictions from the past": predictive(model, guide, test),
    }
    report(bounds, scores, train, test)
    shown, length = test.notes[0], int(test.lengths[0])
    draw(bounds, scores, shown[:length], predict(model, guide, shown[:length]), ANNEALED * steps, out / "dmm.png")


if __name__ == "__main__":
    main()

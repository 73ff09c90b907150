"""The list of demos."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from virgil.errors import ArgumentError, did_you_mean
from virgil.examples import bnn, coin, dmm, hmm, lda, mixture, regression, schools, ssvae, vae

__all__ = ["DEFAULT", "DEMOS", "Demo", "find"]


class Main(Protocol):
    """Fit, print, and write a picture into ``out``. Every argument has a default of the demo's own."""

    def __call__(self, *, steps: int = ..., seed: int = ..., out: Path = ...) -> None: ...


@dataclass(frozen=True)
class Demo:
    """A demo: its name, what it does in a line, and the function that does it."""

    name: str
    about: str
    main: Main


_ALL = (
    Demo("schools", "eight schools (Rubin 1981): two guides beside long Hamiltonian Monte Carlo runs", schools.main),
    Demo("coin", "the fairness of a coin: a guide written by hand, beside the exact posterior", coin.main),
    Demo(
        "regression", "linear regression on the diabetes data, by mini-batches, beside its closed form", regression.main
    ),
    Demo("mixture", "a Gaussian mixture on Old Faithful, memberships summed out; a forum's questions", mixture.main),
    Demo("hmm", "booms and slumps of the American economy, a hidden Markov chain summed out", hmm.main),
    Demo("lda", "topics of 1,000 documents: a network as guide, word topics summed out, in two forms", lda.main),
    Demo("vae", "a variational autoencoder of handwritten digits, judged by digits held out", vae.main),
    Demo("bnn", "a Bayesian network on the diabetes data, and what share of patients its intervals hold", bnn.main),
    Demo("dmm", "Bach's chorales: a deep Markov model with a guide that reads them, beside exact models", dmm.main),
    Demo("ssvae", "digits of which few have labels: an autoencoder, the others' digits summed out", ssvae.main),
)
DEMOS = {demo.name: demo for demo in _ALL}
DEFAULT = "schools"


def find(name: str) -> Demo:
    """The demo of this name.

    Raises:
        ArgumentError: there is none; the message names the closest, and all there are.
    """
    if name in DEMOS:
        return DEMOS[name]
    raise ArgumentError(
        f"There is no demo {name!r}. {did_you_mean(name, DEMOS)} `virgil demo --list` says what each does."
    )

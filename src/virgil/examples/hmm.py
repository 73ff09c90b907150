"""A hidden Markov model of the American economy: expansions and slumps, read off the growth of its product alone.

In every quarter from 1959 to 2009 the economy is in one of two states, which differ in mean growth and tend to last, as
in *(Hamilton 1989)* but without his autoregression. The states are summed out: ``virgil.markov`` says that each
depends on the one before and on no earlier one, so that the sum takes time and memory in proportion to the number of
quarters; ``virgil.vectorized_markov`` says besides that the quarters are alike, so that it takes a number of rounds
that is the logarithm of theirs. The answers are compared with the recessions that a committee of economists dated with
far more to go on.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, cast

import torch
from torch import Tensor

import virgil
import virgil.distributions as dist
from virgil import poutine
from virgil.examples.data.gdp import load
from virgil.examples.reports.hmm import Reading, draw, report
from virgil.infer import SVI, Fit, TraceEnum_ELBO, config_enumerate, infer_discrete
from virgil.infer.autoguide import AutoDelta, init_to_value
from virgil.params import ParamStore

__all__ = ["POINTS", "START", "STATES", "fit_points", "main", "model", "read", "vectorised"]

STATES = 2
POINTS = ["moves", "locs", "scale"]
START = {"moves": torch.tensor([[0.9, 0.1], [0.1, 0.9]]), "locs": torch.tensor([-2.0, 5.0]), "scale": torch.tensor(3.0)}


def parameters() -> tuple[Tensor, Tensor, Tensor]:
    """Transitions to each state from that of its row, the states' means, and the spread around them."""
    with virgil.plate("states", STATES):
        moves = virgil.sample("moves", dist.Dirichlet(1.0 + 9.0 * torch.eye(STATES)))
        locs = virgil.sample("locs", dist.Normal(3.0, 4.0))
    scale = virgil.sample("scale", dist.LogNormal(1.0, 0.5))
    return moves, locs, scale


def economy(quarters: Callable[[int], Iterable[Any]]) -> Callable[[Tensor], list[Tensor]]:
    """The model, with its loop over so many quarters."""

    @config_enumerate
    def program(percent: Tensor) -> list[Tensor]:
        """A chain of states that tend to last, and the growth of each quarter. Returns the states."""
        moves, locs, scale = parameters()
        probs = moves.mean(0)  # before the first quarter either state is as probable
        states = []
        for quarter in quarters(len(percent)):
            state = virgil.sample(f"state_{quarter}", dist.Categorical(probs))
            virgil.sample(f"growth_{quarter}", dist.Normal(locs[state], scale), obs=percent[quarter])
            probs = moves[state]
            states.append(state)
        return states

    return program


model = economy(lambda count: virgil.markov(range(count)))
vectorised = economy(lambda count: virgil.vectorized_markov("quarters", count, dim=-1))


def fit_points(program: Callable[[Tensor], object], percent: Tensor, steps: int) -> tuple[AutoDelta, Fit]:
    """Fit a point for transitions, means and spread to one of the two forms."""
    guide = AutoDelta(poutine.block(program, expose=POINTS), init_loc_fn=init_to_value(values=START))
    optim = virgil.optim.ClippedAdam({"lr": 0.2, "betas": (0.8, 0.99), "lrd": 0.05 ** (1 / steps)})
    return guide, SVI(program, guide, optim, TraceEnum_ELBO()).run(steps, percent)


def read(program: Callable[[Tensor], list[Tensor]], guide: AutoDelta, percent: Tensor) -> Reading:
    """The states given all growth: the jointly most probable path, and each quarter's own probabilities."""
    fitted = poutine.trace(guide).get_trace(percent)
    path = infer_discrete(poutine.replay(program, trace=fitted), temperature=0)(percent)
    marginals = TraceEnum_ELBO().compute_marginals(program, guide, percent)
    probs = [cast(dist.Categorical, marginals[f"state_{quarter}"]).probs for quarter in range(len(percent))]
    return Reading(torch.stack(path).flatten(), torch.stack(probs).reshape(-1, STATES))


def main(steps: int = 80, seed: int = 0, out: Path = Path("demo")) -> None:
    """Fit, print and draw the states beside the dated recessions."""
    virgil.clear_param_store()
    virgil.set_rng_seed(seed)
    growth = load()
    guide, fit = fit_points(model, growth.percent, steps)
    with ParamStore():
        _, quick = fit_points(vectorised, growth.percent, steps)
    points, reading = guide.median(), read(vectorised, guide, growth.percent)
    report(growth.quarters, points, reading, fit, quick)
    draw(growth.quarters, growth.percent, points, reading, fit, out / "hmm.png")


if __name__ == "__main__":
    main()

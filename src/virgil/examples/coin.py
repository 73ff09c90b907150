"""The fairness of a coin: the smallest program with a model, a guide and a known answer.

A coin came up heads 6 times in 10 flips; before, we were rather sure that it is nearly fair. A Beta prior and flips
have a Beta posterior, so the guide, which is a Beta distribution too, can reach it exactly.
"""

from __future__ import annotations

from pathlib import Path

import torch
from torch import Tensor

import virgil
import virgil.distributions as dist
from virgil.distributions import constraints
from virgil.examples.reports.coin import Beta, draw, report
from virgil.infer import SVI, Trace_ELBO

__all__ = ["FLIPS", "PRIOR", "exact_posterior", "guide", "main", "model"]

FLIPS = torch.tensor([1.0] * 6 + [0.0] * 4)  # 1 is heads
PRIOR = Beta(10.0, 10.0)


def model(flips: Tensor) -> None:
    """A coin whose chance of heads is unknown, and its flips."""
    fairness = virgil.sample("fairness", dist.Beta(*PRIOR))
    with virgil.plate("flips", len(flips)):
        virgil.sample("flip", dist.Bernoulli(fairness), obs=flips)


def guide(flips: Tensor) -> None:
    """A Beta distribution, whose two numbers are learnt and stay positive."""
    alpha = virgil.param("alpha", torch.tensor(15.0), constraint=constraints.positive)
    beta = virgil.param("beta", torch.tensor(15.0), constraint=constraints.positive)
    virgil.sample("fairness", dist.Beta(alpha, beta))


def exact_posterior(flips: Tensor) -> Beta:
    """The posterior in closed form: each flip adds one to the count of its side."""
    heads = flips.sum().item()
    return Beta(PRIOR.alpha + heads, PRIOR.beta + len(flips) - heads)


def main(steps: int = 2000, seed: int = 0, out: Path = Path("demo")) -> None:
    """Fit, print and draw the posterior beside the exact one."""
    virgil.clear_param_store()
    virgil.set_rng_seed(seed)
    optim = virgil.optim.ClippedAdam({"lr": 0.02, "lrd": 0.01 ** (1 / steps)})  # the rate falls to a hundredth
    fit = SVI(model, guide, optim, Trace_ELBO(num_particles=16)).run(steps, FLIPS)

    fitted = Beta(fit.params["alpha"].item(), fit.params["beta"].item())
    exact = exact_posterior(FLIPS)
    report(PRIOR, fitted, exact, fit)
    draw(PRIOR, fitted, exact, fit, out / "coin.png")


if __name__ == "__main__":
    main()

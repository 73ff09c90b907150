"""Eight schools: how much did coaching raise the test scores, and how much do schools differ?

In eight schools an experiment measured the effect of coaching, each with a standard error of its own *(Rubin 1981,
table 1)*. The model says that the true effects scatter around a common mean ``mu`` with standard deviation ``tau``. It
is written non-centred, as ``theta = mu + tau * z`` with standard normal ``z``: where data say little, ``tau`` and ``z``
are then nearly independent given the data. That suits guides made of normals, and Hamiltonian Monte Carlo, from which
the reference comes, alike.
"""

from __future__ import annotations

from pathlib import Path

import torch
from torch import Tensor

import virgil
import virgil.distributions as dist
from virgil.examples.reports.schools import Answer, draw, report
from virgil.infer import SVI, Predictive, Trace_ELBO
from virgil.infer.autoguide import AutoGuide, AutoMultivariateNormal, AutoNormal

__all__ = ["EFFECTS", "ERRORS", "fit_guide", "main", "model"]

EFFECTS = torch.tensor([28.0, 8.0, -3.0, 7.0, -1.0, 1.0, 18.0, 12.0])  # points, school by school
ERRORS = torch.tensor([15.0, 10.0, 16.0, 11.0, 9.0, 11.0, 10.0, 18.0])  # their standard errors


def model(errors: Tensor, effects: Tensor | None = None) -> None:
    """Effects measured in schools that differ, but not by much."""
    mu = virgil.sample("mu", dist.Normal(0.0, 5.0))
    tau = virgil.sample("tau", dist.HalfCauchy(5.0))
    with virgil.plate("schools", len(errors)):
        z = virgil.sample("z", dist.Normal(0.0, 1.0))
        theta = virgil.deterministic("theta", mu + tau * z, event_dim=0)
        virgil.sample("effect", dist.Normal(theta, errors), obs=effects)


def fit_guide(guide: AutoGuide, steps: int) -> Answer:
    """Fit a guide, and ask it what the report wants to know."""
    virgil.clear_param_store()
    optim = virgil.optim.ClippedAdam({"lr": 0.05, "lrd": 0.01 ** (1 / steps)})  # the rate falls to a hundredth
    svi = SVI(model, guide, optim, Trace_ELBO(num_particles=32))
    fit = svi.run(steps, ERRORS, EFFECTS)

    draws = Predictive(model, guide=guide, num_samples=100_000, parallel=True)(ERRORS, EFFECTS)
    elbo = Trace_ELBO(num_particles=10_000)
    bounds = torch.tensor([-elbo.loss(model, guide, ERRORS, EFFECTS) for _ in range(20)])
    return Answer(type(guide).__name__, fit, draws, bounds)


def main(steps: int = 3000, seed: int = 0, out: Path = Path("demo")) -> None:
    """Fit two guides, print what they say beside the reference, draw how they got there."""
    virgil.set_rng_seed(seed)
    answers = [fit_guide(guide, steps) for guide in (AutoNormal(model), AutoMultivariateNormal(model))]
    report(answers)
    draw(answers, out / "schools.png")


if __name__ == "__main__":
    main()

"""Linear regression by mini-batches, on real data, where the exact posterior is known.

Ten measurements of 442 patients predict how far diabetes has progressed a year later *(Efron, Hastie, Johnstone and
Tibshirani 2004)*. With a normal prior and a known noise the posterior of the coefficients is a multivariate normal in
closed form, so the fit can be checked coefficient by coefficient. The guide is written by hand;
``AutoMultivariateNormal(model)`` is the same family.
"""

from __future__ import annotations

from pathlib import Path

import torch
from torch import Tensor

import virgil
import virgil.distributions as dist
from virgil.distributions import constraints
from virgil.examples.data.diabetes import load
from virgil.examples.reports.regression import Normal, draw, report
from virgil.infer import SVI, Trace_ELBO

__all__ = ["BATCH", "NOISE", "exact_posterior", "guide", "main", "model", "posterior"]

NOISE = 0.7  # sd of the noise, of a target whose own sd is 1; least squares leaves 0.69
BATCH = 128  # patients a step


def model(x: Tensor, y: Tensor) -> None:
    """Coefficients with a standard normal prior, and patients of whom a step sees a few."""
    size, inputs = x.shape
    beta = virgil.sample("beta", dist.Normal(0.0, 1.0).expand([inputs]).to_event(1))
    with virgil.plate("patients", size, subsample_size=BATCH) as batch:
        mean = (x[batch] * beta).sum(-1)
        virgil.sample("y", dist.Normal(mean, NOISE), obs=y[batch])


def guide(x: Tensor, y: Tensor) -> None:
    """One multivariate normal for all coefficients."""
    inputs = x.shape[1]
    loc = virgil.param("loc", torch.zeros(inputs))
    scale_tril = virgil.param("scale_tril", 0.03 * torch.eye(inputs), constraint=constraints.lower_cholesky)
    virgil.sample("beta", dist.MultivariateNormal(loc, scale_tril=scale_tril))


def posterior(x: Tensor, y: Tensor) -> dist.MultivariateNormal:
    """The posterior in closed form: precision ``I + x'x / NOISE²``, mean ``covariance x'y / NOISE²``."""
    x, y = x.double(), y.double()
    covariance = torch.linalg.inv(torch.eye(x.shape[1], dtype=x.dtype) + x.T @ x / NOISE**2)
    return dist.MultivariateNormal(covariance @ x.T @ y / NOISE**2, covariance)


def exact_posterior(x: Tensor, y: Tensor) -> Normal:
    """Means and sds of the coefficients in closed form."""
    exact = posterior(x, y)
    return Normal(exact.mean, exact.stddev)


def main(steps: int = 8000, seed: int = 0, out: Path = Path("demo")) -> None:
    """Fit by mini-batches, print and draw the coefficients beside the exact ones."""
    virgil.clear_param_store()
    virgil.set_rng_seed(seed)
    names, x, y = load()
    optim = virgil.optim.ClippedAdam({"lr": 0.03, "lrd": 0.005 ** (1 / steps)})  # the rate falls to 0.005 of itself
    fit = SVI(model, guide, optim, Trace_ELBO(num_particles=8)).run(steps, x, y)

    scale_tril = fit.params["scale_tril"]
    fitted = Normal(fit.params["loc"], (scale_tril @ scale_tril.T).diagonal().sqrt())
    exact = exact_posterior(x, y)
    report(names, fitted, exact, fit)
    draw(names, fitted, exact, fit, out / "regression.png")


if __name__ == "__main__":
    main()

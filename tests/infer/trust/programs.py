"""Models whose posterior is known, guides that fit them or do not, and fits that stand where a test wants them."""

import math

import pytest
import torch

import virgil
import virgil.distributions as dist
from virgil.infer import SVI, Trace_ELBO

DATA = torch.tensor([1.3, 0.2, 2.1, 0.9, 1.6])
PRECISION = 1 / 4 + len(DATA)  # of the posterior of ``conjugate``
MEAN, SD = DATA.sum().item() / PRECISION, PRECISION**-0.5
RHO = 0.95
RUNS = [("eager", 1), ("xla", 1), pytest.param("xla", 2, marks=pytest.mark.every_engine)]  # engine and seed


def conjugate(data):
    mu = virgil.sample("mu", dist.Normal(0.0, 2.0))
    with virgil.plate("data", len(data)):
        virgil.sample("x", dist.Normal(mu, 1.0), obs=data)


def log_evidence(data):
    """``x`` is normal with covariance ``1 + 4``."""
    covariance = torch.eye(len(data)) + 4 * torch.ones(len(data), len(data))
    return torch.distributions.MultivariateNormal(torch.zeros(len(data)), covariance).log_prob(data).item()


def correlated():
    first = virgil.sample("first", dist.Normal(0.0, 1.0))
    virgil.sample("second", dist.Normal(RHO * first, math.sqrt(1 - RHO**2)))


def independent():
    """The mean-field guide of ``correlated`` with the least divergence: variances are those given the other."""
    for name in ("first", "second"):
        virgil.sample(name, dist.Normal(virgil.param(f"{name}_loc", torch.tensor(0.0)), math.sqrt(1 - RHO**2)))


def funnel():
    width = virgil.sample("width", dist.Normal(0.0, 3.0))
    with virgil.plate("nine", 9):
        virgil.sample("x", dist.Normal(0.0, (width / 2).exp()))


def bimodal():
    z = virgil.sample("z", dist.Normal(0.0, 3.0))
    virgil.sample("y", dist.Normal(z**2, 1.0), obs=torch.tensor(6.0))


def posterior_guide(shift=0.0, factor=1.0):
    """A guide of ``conjugate`` that is the posterior of any data, moved by so many deviations and widened."""

    def guide(data):
        precision = 1 / 4 + len(data)
        loc = data.sum(-1) / precision + (shift + virgil.param("moved", torch.tensor(0.0))) * precision**-0.5
        virgil.sample("mu", dist.Normal(loc, factor * precision**-0.5))

    return guide


def standing(model, guide, *args, loss=None, steps=2, engine="eager"):
    """A fit at the guide's initial values: the rate is next to nothing."""
    optim = virgil.optim.SGD({"lr": 1e-20})
    return SVI(model, guide, optim, loss or Trace_ELBO()).run(steps, *args, engine=engine, progress=False)


def fitted(model, guide, *args, lr=0.01, steps=2000, particles=10, engine="eager", **options):
    """A fit by Adam."""
    svi = SVI(model, guide, virgil.optim.Adam({"lr": lr}), Trace_ELBO(num_particles=particles))
    return svi.run(steps, *args, engine=engine, progress=False, **options)

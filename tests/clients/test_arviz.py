"""ArviZ reads draws of a fit and of the prior."""

import arviz
import pyro
import pyro.distributions as dist
import pytest
import torch
from pyro.infer import SVI, Predictive, Trace_ELBO
from pyro.infer.autoguide import AutoNormal


def model(y):
    loc = pyro.sample("loc", dist.Normal(0.0, 10.0))
    with pyro.plate("data", len(y)):
        return pyro.sample("y", dist.Normal(loc, 1.0), obs=y)


def test_draws_are_summarised():
    pyro.set_rng_seed(0)
    data = torch.tensor([1.0, 2.0, 3.0])
    guide = AutoNormal(model)
    svi = SVI(model, guide, pyro.optim.Adam({"lr": 0.05}), Trace_ELBO(num_particles=8))
    for _ in range(500):
        svi.step(data)
    draws = Predictive(model, guide=guide, num_samples=2000)(data)
    posterior = arviz.from_dict(posterior={"loc": draws["loc"].detach().reshape(1, -1).numpy()})
    table = arviz.summary(posterior, kind="stats")
    assert float(table.loc["loc", "mean"]) == pytest.approx(6 / 3.01, abs=0.1)
    assert float(table.loc["loc", "sd"]) == pytest.approx(3.01**-0.5, rel=0.15)

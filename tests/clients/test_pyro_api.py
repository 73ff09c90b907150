"""The package pyro-api: programs that name no language, with Virgil as the backend of the old name."""

import pytest
import torch
from pyroapi import distributions as dist
from pyroapi import infer, optim, pyro, pyro_backend


@pytest.mark.parametrize("backend", ["pyro"])
def test_a_program_runs_on_the_backend(backend):
    data = torch.tensor([4.0, 5.0, 6.0])

    def model(x):
        loc = pyro.sample("loc", dist.Normal(0.0, 10.0))
        with pyro.plate("data", len(x)):
            pyro.sample("x", dist.Normal(loc, 1.0), obs=x)

    def guide(x):
        loc = pyro.param("guide_loc", torch.tensor(0.0))
        pyro.sample("loc", dist.Normal(loc, 0.577))

    with pyro_backend(backend):
        pyro.set_rng_seed(0)
        pyro.get_param_store().clear()
        svi = infer.SVI(model, guide, optim.Adam({"lr": 0.05}), infer.Trace_ELBO())
        for _ in range(500):
            svi.step(data)
        assert pyro.param("guide_loc").item() == pytest.approx(15 / 3.01, abs=0.15)

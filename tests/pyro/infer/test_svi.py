"""SVI with the arguments and attributes of old programs."""

import pyro
import pyro.distributions as dist
import pytest
import torch
from pyro.infer import SVI, Trace_ELBO

from virgil.infer import Fit


def model(x):
    z = pyro.sample("z", dist.Normal(0.0, 1.0))
    pyro.sample("x", dist.Normal(z, 1.0), obs=x)


def guide(x):
    pyro.sample("z", dist.Normal(pyro.param("loc", torch.tensor(0.0)), 0.5**0.5))


X = torch.tensor(1.0)


def test_steps_and_executions_that_it_was_made_for():
    svi = SVI(model, guide, pyro.optim.Adam({"lr": 0.05}), Trace_ELBO(), num_samples=7, num_steps=300)
    assert svi.run(X) is svi
    assert len(svi.exec_traces) == len(svi.log_weights) == len(svi.chain_ids) == 7
    assert len({trace.nodes["z"]["value"].item() for trace in svi.exec_traces}) == 7
    assert all(torch.equal(trace.nodes["x"]["value"], X) for trace in svi.exec_traces)
    assert pyro.param("loc").item() == pytest.approx(0.5, abs=0.2)  # the posterior's; a step is 0.05 at most


def test_without_them_run_is_todays():
    fit = SVI(model, guide, pyro.optim.Adam({"lr": 0.05}), Trace_ELBO()).run(3, X, progress=False)
    assert isinstance(fit, Fit)
    assert fit.num_steps == 3


def test_the_loss_and_its_gradients_are_those_of_the_objective():
    svi = SVI(model, guide, pyro.optim.Adam({"lr": 0.05}), Trace_ELBO())
    pyro.set_rng_seed(3)
    loss = svi.loss_and_grads(model, guide, X)
    assert pyro.get_param_store().unconstrained("loc").grad is not None
    pyro.set_rng_seed(3)
    assert svi.loss(model, guide, X) == pytest.approx(loss)


def test_the_gradients_method_may_be_exchanged():
    svi = SVI(model, guide, pyro.optim.Adam({"lr": 0.05}), Trace_ELBO())
    svi.loss_and_grads = lambda model, guide, x: 17.0
    assert svi.step(X) == 17.0
    assert svi.evaluate_loss(X) != 17.0


@pytest.mark.parametrize("optim", [torch.optim.Adam, lambda: pyro.optim.ClippedAdam({"lr": 0.01})])
def test_optimisers(optim):
    made = optim if isinstance(optim, type) else optim()
    svi = SVI(model, guide, made, Trace_ELBO())
    before = svi.step(X)
    assert isinstance(before, float)
    assert pyro.param("loc").item() != 0.0

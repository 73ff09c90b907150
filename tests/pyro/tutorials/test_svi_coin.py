"""The fairness of a coin: a conjugate posterior, and guides that reach it."""

import math

import pyro
import pyro.distributions as dist
import pytest
import torch
import torch.distributions.constraints as constraints
from pyro.infer import SVI, Trace_ELBO
from pyro.optim import Adam

DATA = [torch.tensor(1.0)] * 6 + [torch.tensor(0.0)] * 4


def model(data):
    alpha0 = torch.tensor(10.0)
    beta0 = torch.tensor(10.0)
    f = pyro.sample("latent_fairness", dist.Beta(alpha0, beta0))
    for i in range(len(data)):
        pyro.sample(f"obs_{i}", dist.Bernoulli(f), obs=data[i])


def vectorized_model(data):
    f = pyro.sample("latent_fairness", dist.Beta(10.0, 10.0))
    with pyro.plate("observe_data", len(data)):
        pyro.sample("obs", dist.Bernoulli(f), obs=data)


def guide(data):
    alpha_q = pyro.param("alpha_q", torch.tensor(15.0), constraint=constraints.positive)
    beta_q = pyro.param("beta_q", torch.tensor(15.0), constraint=constraints.positive)
    pyro.sample("latent_fairness", dist.Beta(alpha_q, beta_q))


@pytest.mark.parametrize(("program", "data"), [(model, DATA), (vectorized_model, torch.stack(DATA))])
def test_the_guide_finds_the_conjugate_posterior(program, data):
    pyro.clear_param_store()
    svi = SVI(program, guide, Adam({"lr": 0.05, "betas": (0.90, 0.999)}), loss=Trace_ELBO(num_particles=10))
    for step in range(500):
        if step == 300:
            svi.optim = Adam({"lr": 0.005})
        svi.step(data)
    alpha_q = pyro.param("alpha_q").item()
    beta_q = pyro.param("beta_q").item()
    inferred_mean = alpha_q / (alpha_q + beta_q)
    factor = beta_q / (alpha_q * (1.0 + alpha_q + beta_q))
    inferred_std = inferred_mean * math.sqrt(factor)
    # Beta(16, 14)
    assert inferred_mean == pytest.approx(16 / 30, abs=0.02)
    assert inferred_std == pytest.approx(math.sqrt(16 * 14 / 31) / 30, rel=0.1)


def test_the_bound_is_the_evidence_at_the_posterior():
    pyro.param("alpha_q", torch.tensor(16.0), constraint=constraints.positive)
    pyro.param("beta_q", torch.tensor(14.0), constraint=constraints.positive)
    loss = SVI(model, guide, Adam({}), loss=Trace_ELBO()).evaluate_loss(DATA)

    def log_beta(a, b):
        return math.lgamma(a) + math.lgamma(b) - math.lgamma(a + b)

    assert loss == pytest.approx(log_beta(10, 10) - log_beta(16, 14), rel=1e-5)


def test_parameters_stand_in_the_store():
    guide(DATA)
    store = pyro.get_param_store()
    assert sorted(store.keys()) == ["alpha_q", "beta_q"]
    assert {name: value.item() for name, value in store.items()} == pytest.approx({"alpha_q": 15.0, "beta_q": 15.0})
    pyro.clear_param_store()
    assert len(pyro.get_param_store().keys()) == 0

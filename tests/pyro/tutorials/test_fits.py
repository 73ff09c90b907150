"""Fits in the style of the tutorials: maximum likelihood, baseball, networks, time series, tips for SVI, drawings."""

import math

import numpy as np
import pyro
import pyro.distributions as dist
import pytest
import torch
from pyro.infer import SVI, JitTrace_ELBO, Predictive, Trace_ELBO, TraceMeanField_ELBO
from pyro.infer.autoguide import AutoDelta, AutoNormal, init_to_mean
from pyro.nn import PyroModule, PyroSample
from pyro.optim import Adam, ClippedAdam, ExponentialLR
from scipy import stats
from torch import nn
from torch.distributions import constraints

TOSSES = torch.cat([torch.ones(6), torch.zeros(4)])


def fit(model, guide, optim, loss, steps, *args):
    svi = SVI(model, guide, optim, loss=loss)
    return [svi.step(*args) for _ in range(steps)]


# Maximum likelihood and the mode of the posterior


def likelihood(data):
    fairness = pyro.param("fairness", torch.tensor(0.5), constraint=constraints.unit_interval)
    with pyro.plate("data", len(data)):
        pyro.sample("obs", dist.Bernoulli(fairness), obs=data)


def coin(data):
    fairness = pyro.sample("fairness", dist.Beta(10.0, 10.0))
    with pyro.plate("data", len(data)):
        pyro.sample("obs", dist.Bernoulli(fairness), obs=data)


def test_maximum_likelihood_is_the_share():
    fit(likelihood, lambda data: None, Adam({"lr": 0.05}), Trace_ELBO(), 300, TOSSES)
    assert pyro.param("fairness").item() == pytest.approx(0.6, abs=1e-3)


def test_the_mode_of_the_posterior():
    def guide(data):
        mode = pyro.param("mode", torch.tensor(0.5), constraint=constraints.unit_interval)
        pyro.sample("fairness", dist.Delta(mode))

    fit(coin, guide, Adam({"lr": 0.05}), Trace_ELBO(), 300, TOSSES)
    assert pyro.param("mode").item() == pytest.approx(15 / 28, abs=1e-3)
    auto = AutoDelta(coin)
    fit(coin, auto, Adam({"lr": 0.05}), JitTrace_ELBO(), 300, TOSSES)
    assert auto.median()["fairness"].item() == pytest.approx(15 / 28, abs=1e-3)


# Baseball: no pooling is a posterior for each player by itself

AT_BATS, HITS = torch.tensor([45.0, 45.0, 45.0]), torch.tensor([18.0, 12.0, 7.0])


def unpooled(at_bats, hits):
    with pyro.plate("players", len(at_bats)):
        rate = pyro.sample("rate", dist.Uniform(0.0, 1.0))
        return pyro.sample("hits", dist.Binomial(at_bats, rate), obs=hits)


@pytest.mark.long
def test_players_by_themselves():
    pyro.set_rng_seed(0)
    guide = AutoNormal(unpooled, init_loc_fn=init_to_mean)
    fit(unpooled, guide, Adam({"lr": 0.02}), Trace_ELBO(num_particles=4), 1500, AT_BATS, HITS)
    draws = Predictive(unpooled, guide=guide, num_samples=4000)(AT_BATS, None)
    exact = stats.beta(1 + HITS.numpy(), 1 + (AT_BATS - HITS).numpy())
    rates = draws["rate"].detach().reshape(4000, 3).numpy()
    # four standard errors of 4,000 draws, and a tenth of a deviation for the normal form
    assert np.all(np.abs(rates.mean(0) - exact.mean()) < (4 / math.sqrt(4000) + 0.1) * exact.std())
    assert draws["hits"].reshape(4000, 3).float().mean(0).numpy() == pytest.approx(45 * exact.mean(), rel=0.1)


def test_draws_of_the_prior_have_its_moments():
    """Four standard errors: false alarms below 1e-4."""
    pyro.set_rng_seed(2)
    draws = Predictive(coin, num_samples=4000)(torch.zeros(1))["fairness"].reshape(-1)
    assert draws.mean().item() == pytest.approx(0.5, abs=4 * math.sqrt(1 / 84 / 4000))


# A Bayesian network as a module


class Network(PyroModule):
    def __init__(self, hidden=4):
        super().__init__()
        self.first = PyroModule[nn.Linear](1, hidden)
        self.first.weight = PyroSample(dist.Normal(0.0, 1.0).expand([hidden, 1]).to_event(2))
        self.first.bias = PyroSample(dist.Normal(0.0, 1.0).expand([hidden]).to_event(1))
        self.last = PyroModule[nn.Linear](hidden, 1)
        self.last.weight = PyroSample(lambda self: dist.Normal(0.0, 1.0).expand([1, hidden]).to_event(2))
        self.last.bias = PyroSample(dist.Normal(0.0, 1.0).expand([1]).to_event(1))

    def forward(self, x, y=None):
        mean = self.last(torch.tanh(self.first(x))).squeeze(-1)
        with pyro.plate("data", len(x)):
            pyro.sample("obs", dist.Normal(mean, 0.1), obs=y)
        return mean


@pytest.mark.long
def test_a_bayesian_network_learns_its_data():
    pyro.set_rng_seed(0)
    x = torch.linspace(-1, 1, 20).unsqueeze(-1)
    y = torch.tanh(2 * x).squeeze(-1)
    model = Network()
    guide = AutoNormal(model, init_scale=0.01)
    losses = fit(model, guide, Adam({"lr": 0.02}), TraceMeanField_ELBO(), 1000, x, y)
    draws = Predictive(model, guide=guide, num_samples=100, return_sites=("_RETURN", "obs"))(x)
    assert np.mean(losses[-100:]) < np.mean(losses[:100])
    assert (draws["_RETURN"].mean(0).reshape(-1) - y).abs().max() < 0.15


# A deep Markov model whose transitions and emissions are lines, so that the evidence is Kalman's


class Combiner(nn.Module):
    def __init__(self, size=8):
        super().__init__()
        self.rnn = nn.GRU(1, size, batch_first=True)
        self.combine = nn.Linear(size + 1, 2)

    def forward(self, series):
        backwards, _ = self.rnn(series.flip(1).unsqueeze(-1))
        return backwards.flip(1)


def kalman(y):
    steps = len(y)
    covariance = np.zeros((steps, steps))
    for s in range(steps):
        for t in range(steps):
            covariance[s, t] = sum(0.8 ** (s - r + t - r) * (1.0 if r == 0 else 0.36) for r in range(min(s, t) + 1))
    return stats.multivariate_normal(np.zeros(steps), covariance + 0.25 * np.eye(steps)).logpdf(y)


@pytest.mark.long
def test_a_deep_markov_model_comes_close_to_kalmans_evidence():
    torch.manual_seed(0)
    pyro.set_rng_seed(0)
    y = torch.tensor([[0.3, 0.9, 1.1, 0.2, -0.5, -0.1]])
    combiner = Combiner()

    def model(series):
        z = torch.zeros(len(series))
        with pyro.plate("series", len(series)):
            for t in pyro.markov(range(series.shape[1])):
                z = pyro.sample(f"z_{t}", dist.Normal(0.8 * z, 1.0 if t == 0 else 0.6))
                pyro.sample(f"y_{t}", dist.Normal(z, 0.5), obs=series[:, t])

    def guide(series):
        pyro.module("combiner", combiner)
        hidden, z = combiner(series), torch.zeros(len(series))
        with pyro.plate("series", len(series)):
            for t in pyro.markov(range(series.shape[1])):
                loc, log_scale = combiner.combine(torch.cat([hidden[:, t], z.unsqueeze(-1)], -1)).unbind(-1)
                z = pyro.sample(f"z_{t}", dist.Normal(loc, log_scale.exp()))

    fit(model, guide, ClippedAdam({"lr": 0.02, "lrd": 0.998}), TraceMeanField_ELBO(), 1200, y)
    elbo = Trace_ELBO(num_particles=2000, vectorize_particles=False)
    bounds = np.array([-Trace_ELBO().loss(model, guide, y) for _ in range(300)])
    error = bounds.std() / math.sqrt(len(bounds))
    assert elbo.num_particles == 2000
    assert bounds.mean() < kalman(y[0].numpy()) + 4 * error
    assert bounds.mean() > kalman(y[0].numpy()) - 0.2 - 4 * error


# Tips for SVI: schedules, a rate for each parameter, scaled data, the number of latent variables


@pytest.mark.long
def test_rates_by_name_and_a_schedule():
    data = torch.tensor([1.0, 2.0, 3.0, 4.0])

    def model(x):
        loc = pyro.sample("loc", dist.Normal(0.0, 10.0))
        with pyro.plate("data", len(x)), pyro.poutine.scale(scale=2.0):
            pyro.sample("x", dist.Normal(loc, 1.0), obs=x)

    def guide(x):
        loc = pyro.param("guide_loc", torch.tensor(0.0))
        scale = pyro.param("guide_scale", torch.tensor(1.0), constraint=constraints.positive)
        pyro.sample("loc", dist.Normal(loc, scale))

    def options(name):
        return {"lr": 0.1 if name == "guide_loc" else 0.02}

    fit(model, guide, Adam(options), TraceMeanField_ELBO(num_particles=10), 300, data)
    scheduler = ExponentialLR({"optimizer": torch.optim.Adam, "optim_args": {"lr": 0.02}, "gamma": 0.99})
    svi = SVI(model, guide, scheduler, TraceMeanField_ELBO(num_particles=10))
    for _ in range(400):
        svi.step(data)
        scheduler.step()
    precision = 8 + 1 / 100
    assert pyro.param("guide_loc").item() == pytest.approx(20 / precision, abs=0.02)
    assert pyro.param("guide_scale").item() == pytest.approx(precision**-0.5, rel=0.05)


def test_a_drawing_of_a_model_has_its_sites():
    graph = pyro.render_model(coin, model_args=(TOSSES,), render_distributions=True)
    for name in ("fairness", "obs", "data", "Beta"):
        assert name in graph.source

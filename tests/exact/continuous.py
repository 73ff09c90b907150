"""Cases of gradient estimation whose latent variables are continuous, or continuous and binary together."""

from __future__ import annotations

import torch
from torch import distributions as td

import virgil
import virgil.distributions as dist
from tests.exact.estimates import Case, expected_normal

X = torch.tensor(1.5, dtype=torch.float64)


def _param(name):
    return virgil.param(f"q_{name}")


def _normal_model():
    z = virgil.sample("z", dist.Normal(torch.zeros(()), 1.0))
    virgil.sample("x", dist.Normal(z, 0.5), obs=X)


def _normal_guide():
    virgil.sample("z", dist.Normal(_param("loc"), _param("log_scale").exp()))


def _normal_loss(params):
    loc, scale = params["loc"], params["log_scale"].exp()
    likelihood = -0.5 * torch.log(torch.tensor(2 * torch.pi * 0.25)) - 2.0 * ((X - loc) ** 2 + scale**2)
    return td.kl_divergence(td.Normal(loc, scale), td.Normal(torch.zeros(()), 1.0)) - likelihood


def _gamma_model():
    z = virgil.sample("z", dist.Gamma(torch.tensor(2.0), 1.0))
    virgil.sample("x", dist.Poisson(z), obs=torch.tensor(3.0))


def _gamma_guide():
    virgil.sample("z", dist.Gamma(_param("log_shape").exp(), _param("log_rate").exp()))


def _gamma_loss(params):
    q = td.Gamma(params["log_shape"].exp(), params["log_rate"].exp())
    mean_log = torch.digamma(q.concentration) - q.rate.log()
    likelihood = 3.0 * mean_log - q.mean - torch.lgamma(torch.tensor(4.0))
    return td.kl_divergence(q, td.Gamma(torch.tensor(2.0), 1.0)) - likelihood


def _poisson_model():
    z = virgil.sample("z", dist.Poisson(torch.tensor(3.0)))
    virgil.sample("x", dist.Normal(z, 1.0), obs=X)


def _poisson_guide():
    virgil.sample("z", dist.Poisson(_param("log_rate").exp()))


def _poisson_loss(params):
    z = torch.arange(60.0)
    log_q = td.Poisson(params["log_rate"].exp()).log_prob(z)
    log_p = td.Poisson(torch.tensor(3.0)).log_prob(z) + td.Normal(z, 1.0).log_prob(X)
    return -(log_q.exp() * (log_p - log_q)).sum()


def _binary_first_model():
    c = virgil.sample("c", dist.Bernoulli(torch.tensor(0.3)))
    w = virgil.sample("w", dist.Normal(2 * c, 1.0))
    virgil.sample("x", dist.Normal(w + c, 0.8), obs=X)


def _binary_first_guide():
    c = virgil.sample("c", dist.Bernoulli(logits=_param("logit")))
    virgil.sample("w", dist.Normal(_param("loc") + _param("shift") * c, _param("log_scale").exp()))


def _binary_first_loss(params):
    total = torch.zeros(())
    for c in (torch.zeros(()), torch.ones(())):
        log_qc = td.Bernoulli(logits=params["logit"]).log_prob(c)
        q = td.Normal(params["loc"] + params["shift"] * c, params["log_scale"].exp())

        def bound(w, c=c, q=q, log_qc=log_qc):
            log_p = td.Bernoulli(torch.tensor(0.3)).log_prob(c) + td.Normal(2 * c, 1.0).log_prob(w)
            return log_p + td.Normal(w + c, 0.8).log_prob(X) - log_qc - q.log_prob(w)

        total = total + log_qc.exp() * expected_normal(q.loc, q.scale, bound)
    return -total


def _normal_first_model():
    w = virgil.sample("w", dist.Normal(torch.zeros(()), 1.0))
    c = virgil.sample("c", dist.Bernoulli(logits=w))
    virgil.sample("x", dist.Normal(2 * c, 1.0), obs=X)


def _normal_first_guide():
    w = virgil.sample("w", dist.Normal(_param("loc"), _param("log_scale").exp()))
    virgil.sample("c", dist.Bernoulli(logits=_param("slope") * w + 0.3))


def _normal_first_loss(params):
    q = td.Normal(params["loc"], params["log_scale"].exp())

    def bound(w):
        total = torch.zeros(())
        for c in (torch.zeros(()), torch.ones(())):
            log_qc = td.Bernoulli(logits=params["slope"] * w + 0.3).log_prob(c)
            log_p = td.Normal(torch.zeros(()), 1.0).log_prob(w) + td.Bernoulli(logits=w).log_prob(c)
            log_p = log_p + td.Normal(2 * c, 1.0).log_prob(X)
            total = total + log_qc.exp() * (log_p - log_qc - q.log_prob(w))
        return total

    return -expected_normal(q.loc, q.scale, bound)


DATA = torch.tensor([0.5, -1.0, 2.0, 0.25], dtype=torch.float64)


def _minibatch_model():
    mu = virgil.sample("mu", dist.Normal(torch.zeros(()), 2.0))
    with virgil.plate("data", 4, subsample_size=2) as indices:
        z = virgil.sample("z", dist.Normal(mu, 1.0))
        virgil.sample("x", dist.Normal(z, 0.5), obs=DATA[indices])


def _minibatch_guide():
    virgil.sample("mu", dist.Normal(_param("loc"), _param("log_scale").exp()))
    with virgil.plate("data", 4, subsample_size=2) as indices:
        virgil.sample("z", dist.Normal(_param("locs")[indices], 0.7))


def _minibatch_loss(params):
    """Closed form: E (a - b)^2 is the square of the difference of means plus both variances."""
    loc, scale, locs = params["loc"], params["log_scale"].exp(), params["locs"]
    log_2pi = torch.log(torch.tensor(2 * torch.pi))
    prior = td.kl_divergence(td.Normal(loc, scale), td.Normal(torch.zeros(()), 2.0))
    z = -0.5 * log_2pi - 0.5 * ((locs - loc) ** 2 + scale**2 + 0.49)
    x = -0.5 * log_2pi - torch.log(torch.tensor(0.5)) - 2.0 * ((DATA - locs) ** 2 + 0.49)
    return prior - (z + x + td.Normal(locs, 0.7).entropy()).sum()


CONTINUOUS = {
    "pathwise normal": Case(_normal_model, _normal_guide, {"loc": 0.4, "log_scale": -0.3}, _normal_loss),
    "pathwise gamma": Case(_gamma_model, _gamma_guide, {"log_shape": 0.6, "log_rate": 0.2}, _gamma_loss),
    "score poisson": Case(_poisson_model, _poisson_guide, {"log_rate": 0.8}, _poisson_loss),
    "mixed, binary first": Case(
        _binary_first_model,
        _binary_first_guide,
        {"logit": 0.2, "loc": 0.3, "shift": 0.9, "log_scale": -0.2},
        _binary_first_loss,
    ),
    "mixed, normal first": Case(
        _normal_first_model, _normal_first_guide, {"loc": 0.2, "log_scale": -0.4, "slope": 0.8}, _normal_first_loss
    ),
    "pathwise, mini-batch": Case(
        _minibatch_model,
        _minibatch_guide,
        {"loc": 0.3, "log_scale": -0.5, "locs": [0.1, -0.4, 1.0, 0.6]},
        _minibatch_loss,
        batches=500,
        particles=20,
    ),
}

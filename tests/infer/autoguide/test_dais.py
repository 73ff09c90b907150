"""Annealed draws: the bound is valid and rises with the steps, its derivative, mini-batches, and what is refused."""

import pytest
import torch

import virgil
import virgil.distributions as dist
from virgil import poutine
from virgil.errors import ArgumentError
from virgil.infer import Trace_ELBO
from virgil.infer.autoguide import AutoDAIS
from virgil.infer.density.execution import Call, run_pair

DATA = torch.tensor([1.0, -2.0])
DRAWS = 4000


def normal():
    x = virgil.sample("x", dist.Normal(torch.zeros(2), 1.0).to_event(1))
    virgil.sample("y", dist.Normal(x, 0.5).to_event(1), obs=DATA)


def log_weights(guide):
    """Of draws, ``log p(x, z)`` minus all log-densities of the guide. Shape: ``(draws,)``."""
    with torch.no_grad(), virgil.plate("draws", DRAWS, dim=-1):
        pair = run_pair(Call(normal, guide, (), {}))
    model, own = (
        sum(site.log_prob for site in trace.nodes.values() if site.kind == "sample")
        for trace in (pair.model, pair.guide)
    )
    return model - own


def test_the_weights_are_unbiased_and_the_bound_rises_with_the_steps():
    """Mean weights are one within five standard errors; so is the order of bounds (false alarms below
    1e-5)."""
    evidence = dist.Normal(0.0, 1.25**0.5).log_prob(DATA).sum()
    bounds, errors = [], []
    for num_steps in (1, 4, 16, 64):
        guide = AutoDAIS(normal, num_steps, init_scale=1.0, init_step_size=0.3)
        guide()
        with torch.no_grad():
            guide._parameters["loc"].copy_(0.8 * DATA - 0.2)
        weights = log_weights(guide) - evidence
        ratio = weights.exp()
        assert abs(ratio.mean() - 1.0) < 5 * ratio.std() / DRAWS**0.5
        bounds.append(weights.mean())
        errors.append(weights.std() / DRAWS**0.5)
    for k, bound in enumerate(bounds):
        assert bound < 5 * errors[k]
        if k:
            assert bound > bounds[k - 1] + 5 * (errors[k] + errors[k - 1])
    assert bounds[-1] > 0.1 * bounds[0]


def test_its_derivative_is_that_of_finite_differences():
    torch.set_default_dtype(torch.float64)

    def model():
        rate = virgil.sample("rate", dist.Gamma(2.0, 1.0))
        with virgil.plate("J", 2):
            virgil.sample("y", dist.Normal(rate, 0.5), obs=DATA.double())

    guide = AutoDAIS(model, 3)
    guide()

    def loss():
        virgil.set_rng_seed(1)
        return Trace_ELBO().differentiable_loss(model, guide)

    gradients = torch.autograd.grad(loss(), list(guide.parameters()))
    for leaf, gradient in zip(guide.parameters(), gradients, strict=True):
        with torch.no_grad():
            values = []
            for step in (1e-5, -2e-5):
                leaf += step
                values.append(float(loss()))
            leaf += 1e-5
        torch.testing.assert_close((values[0] - values[1]) / 2e-5, float(gradient.sum()), rtol=1e-5, atol=1e-7)


def test_the_steps_use_the_mini_batch_of_the_model():
    seen = []

    def model():
        mu = virgil.sample("mu", dist.Normal(0.0, 1.0))
        with virgil.plate("J", 20, subsample_size=2) as indices:
            seen.append(tuple(indices.tolist()))
            virgil.sample("y", dist.Normal(mu, 1.0), obs=torch.arange(20.0)[indices])

    guide = AutoDAIS(model, 3)
    guide()
    seen.clear()
    trace = poutine.trace(guide).get_trace()
    poutine.trace(poutine.replay(model, trace=trace)).get_trace()
    assert len(seen) == 5  # to draw it, three gradients, and the model
    assert len(set(seen)) == 1


def test_what_is_refused():
    guide = AutoDAIS(normal)
    with pytest.raises(NotImplementedError, match="an integral over the momenta"):
        guide.get_posterior()
    with pytest.raises(ArgumentError, match="num_steps=0"):
        AutoDAIS(normal, 0)
    with pytest.raises(ArgumentError, match="init_persistence=1.0"):
        AutoDAIS(normal, init_persistence=1.0)
    with pytest.raises(ArgumentError, match="init_step_size=-1"):
        AutoDAIS(normal, init_step_size=-1)

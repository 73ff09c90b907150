"""A step is a pure function of parameters and batch: captured as one graph, it gives what the eager step gives."""

import pytest
import torch
from torch.fx.experimental.proxy_tensor import make_fx

import virgil
import virgil.distributions as dist
from virgil.distributions import constraints
from virgil.infer import Trace_ELBO, TraceEnum_ELBO, TraceMeanField_ELBO, config_enumerate

Y = torch.tensor([28.0, 8.0, -3.0, 7.0, -1.0, 1.0, 18.0, 12.0])


def schools(y):
    mu = virgil.sample("mu", dist.Normal(0.0, 5.0))
    tau = virgil.sample("tau", dist.HalfCauchy(5.0))
    with virgil.plate("J", 8):
        theta = virgil.sample("theta", dist.Normal(mu, tau))
        virgil.sample("y", dist.Normal(theta, 10.0), obs=y)


def schools_guide(y):
    virgil.sample("mu", dist.Normal(virgil.param("m", torch.zeros(())), 1.0))
    scale = virgil.param("s", torch.ones(()), constraint=constraints.positive)
    virgil.sample("tau", dist.LogNormal(0.0, scale))
    with virgil.plate("J", 8):
        virgil.sample("theta", dist.Normal(virgil.param("t", torch.zeros(8)), scale))


def switches(y):
    with virgil.plate("J", 8):
        on = virgil.sample("on", dist.Bernoulli(0.3))
        virgil.sample("y", dist.Normal(10.0 * on, 5.0), obs=y)


def switches_guide(y):
    with virgil.plate("J", 8):
        virgil.sample(
            "on", dist.Bernoulli(virgil.param("p", torch.full((8,), 0.4), constraint=constraints.unit_interval))
        )


def batches(y):
    mu = virgil.sample("mu", dist.Normal(0.0, 5.0))
    with virgil.plate("J", 8, subsample_size=4):
        virgil.sample("y", dist.Normal(mu, 10.0), obs=virgil.subsample(y, event_dim=0))


def batches_guide(y):
    virgil.sample("mu", dist.Normal(virgil.param("m", torch.zeros(())), 1.0))


@config_enumerate
def mixture(y):
    locs = virgil.param("locs", torch.tensor([-1.0, 10.0]))
    spread = virgil.sample("spread", dist.HalfCauchy(5.0))
    with virgil.plate("J", 8):
        which = virgil.sample("which", dist.Categorical(logits=virgil.param("shares", torch.zeros(2))))
        virgil.sample("y", dist.Normal(locs[which], 1.0 + spread), obs=y)


@config_enumerate
def hidden_markov(y):
    moves = virgil.param("moves", torch.tensor([[1.0, -1.0], [-0.5, 0.5]]))
    spread = virgil.sample("spread", dist.HalfCauchy(5.0))
    state = torch.tensor(0)
    for t in virgil.markov(range(8)):
        state = virgil.sample(f"state_{t}", dist.Categorical(logits=moves[state]))
        virgil.sample(f"y_{t}", dist.Normal(10.0 * state, 1.0 + spread), obs=y[t])


@config_enumerate
def steps_at_once(y):
    moves = virgil.param("moves", torch.tensor([[1.0, -1.0], [-0.5, 0.5]]))
    spread = virgil.sample("spread", dist.HalfCauchy(5.0))
    state, before = torch.tensor(0), torch.tensor(0)
    for t in virgil.vectorized_markov("time", 8, dim=-1, history=2):
        before, state = state, virgil.sample(f"state_{t}", dist.Categorical(logits=moves[state] + moves[before]))
        virgil.sample(f"y_{t}", dist.Normal(10.0 * state + y[t - 1], 1.0 + spread), obs=y[t])


def spread_guide(y):
    virgil.sample("spread", dist.LogNormal(virgil.param("s", torch.zeros(())), 0.5))


def two_switches(y):
    spread = virgil.sample("spread", dist.HalfCauchy(5.0))
    first = virgil.sample("first", dist.Bernoulli(0.5))
    second = virgil.sample("second", dist.Bernoulli(0.2 + 0.5 * first))
    with virgil.plate("J", 8):
        virgil.sample("y", dist.Normal(10.0 * first - 5.0 * second, 5.0 + spread), obs=y)


def two_switches_guide(y):
    """Enumerates the first one value after another, and the second at once."""
    spread_guide(y)
    logit = virgil.param("logit", torch.zeros(()))
    first = virgil.sample("first", dist.Bernoulli(logits=logit), infer={"enumerate": "sequential"})
    virgil.sample("second", dist.Bernoulli(logits=logit - first), infer={"enumerate": "parallel"})


@config_enumerate
def intervals(y):
    """Each observation lies outside some of the intervals."""
    spread = virgil.sample("spread", dist.HalfCauchy(5.0))
    high = virgil.param("high", torch.tensor([5.0, 20.0, 40.0]))
    with virgil.plate("J", 8):
        which = virgil.sample("which", dist.Categorical(logits=virgil.param("shares", torch.zeros(3))))
        virgil.sample("y", dist.Uniform(-10.0 - spread, high[which]), obs=y)


def several_guide(y):
    """Three draws of each, the second ones without a pathwise derivative."""
    spread_guide(y)
    logit = virgil.param("logit", torch.zeros(()))
    first = virgil.sample("first", dist.Bernoulli(logits=logit))
    virgil.sample("second", dist.Bernoulli(logits=logit - first))


ENUMERATED = {
    "several draws": (two_switches, config_enumerate(several_guide, num_samples=3)),
    "impossible values": (intervals, spread_guide),
    "mixture": (mixture, spread_guide),
    "hidden Markov model": (hidden_markov, spread_guide),
    "hidden Markov model, steps at once": (steps_at_once, spread_guide),
    "guide that enumerates": (two_switches, two_switches_guide),
}
PROGRAMS = {
    "pathwise": (schools, schools_guide),
    "score function": (switches, switches_guide),
    "mini-batches": (batches, batches_guide),
}


OBJECTIVES = {
    "one particle": Trace_ELBO,
    "three particles": lambda: Trace_ELBO(num_particles=3),
    "analytic": TraceMeanField_ELBO,
}


@pytest.mark.parametrize("objective", OBJECTIVES)
@pytest.mark.parametrize("programs", PROGRAMS)
def test_the_captured_step_gives_the_eager_loss_and_gradient_on_the_same_noise(objective, programs):
    assert_captured(*PROGRAMS[programs], OBJECTIVES[objective]())


@pytest.mark.parametrize("particles", [1, 3])
@pytest.mark.parametrize("programs", ENUMERATED)
def test_the_captured_step_of_enumerated_programs(particles, programs):
    assert_captured(*ENUMERATED[programs], TraceEnum_ELBO(num_particles=particles))


def assert_captured(model, guide, objective):
    store = virgil.get_param_store()
    objective.loss(model, guide, Y)  # makes the parameters
    leaves = dict(store.named_parameters())

    def step(leaves, y):
        with store.substituted(leaves):
            loss = objective.differentiable_loss(model, guide, y)
        return loss, torch.autograd.grad(loss, list(leaves.values()))

    with virgil.settings.context(validate=False):  # what checks look at is no part of the graph
        graph = make_fx(step)(leaves, Y)
    for seed in range(3):
        virgil.set_rng_seed(seed)
        loss, gradients = step(leaves, Y + seed)
        virgil.set_rng_seed(seed)
        captured_loss, captured_gradients = graph(leaves, Y + seed)
        torch.testing.assert_close(captured_loss, loss)
        torch.testing.assert_close(captured_gradients, gradients)

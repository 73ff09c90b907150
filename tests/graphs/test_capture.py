"""A step is a pure function of parameters and batch: captured as one graph, it gives what the eager step gives."""

import pytest
import torch
from torch.fx.experimental.proxy_tensor import make_fx

import virgil
import virgil.distributions as dist
from virgil.distributions import constraints
from virgil.infer import Trace_ELBO, TraceMeanField_ELBO

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
    model, guide = PROGRAMS[programs]
    objective = OBJECTIVES[objective]()
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

"""Flows of zuko as distributions: densities, plates, gradients, and a fit."""

import math

import pytest
import torch

import virgil
import virgil.distributions as dist
from virgil import poutine
from virgil.contrib.zuko import ZukoToPyro
from virgil.errors import ArgumentError
from virgil.infer import SVI, Trace_ELBO
from virgil.optim import Adam


class Counted(torch.distributions.Normal):
    """A distribution that knows the density of its draws, and counts how often it is asked again."""

    asked = 0

    def rsample_and_log_prob(self, shape=()):
        x = self.rsample(shape)
        return x, super().log_prob(x)

    def log_prob(self, value):
        self.asked += 1
        return super().log_prob(value)


def test_the_density_of_the_last_draw_is_kept():
    wrapped = Counted(1.0, 2.0)
    fn = ZukoToPyro(wrapped)
    x = fn((4,))
    assert torch.allclose(fn.log_prob(x), dist.Normal(1.0, 2.0).log_prob(x))
    assert wrapped.asked == 0
    assert torch.allclose(fn.log_prob(x + 1), dist.Normal(1.0, 2.0).log_prob(x + 1))
    assert wrapped.asked == 1


def test_shapes_supports_and_plates_are_those_of_the_distribution():
    fn = ZukoToPyro(torch.distributions.Dirichlet(torch.ones(2, 3)))
    assert (fn.batch_shape, fn.event_shape, fn.has_rsample) == ((2,), (3,), True)
    assert fn.support.check(torch.full((3,), 1 / 3))
    with virgil.plate("outer", 5, dim=-2), virgil.plate("inner", 2, dim=-1), poutine.trace() as tracer:
        virgil.sample("x", fn)
    site = tracer.trace["x"]
    assert (site.value.shape, site.log_prob.shape) == ((5, 2, 3), (5, 2))
    assert site.log_prob.flatten().tolist() == pytest.approx([math.log(2)] * 10)
    assert not fn.sample().requires_grad


def test_a_flow_is_called_first():
    with pytest.raises(ArgumentError, match=r"it takes a distribution. Call the flow: ZukoToPyro\(flow\(\)\)."):
        ZukoToPyro(lambda: None)


def test_a_flow_scores_its_draws_as_it_scores_any_value():
    import zuko

    flow = zuko.flows.MAF(features=2, transforms=1, hidden_features=(8,))
    fn = ZukoToPyro(flow())
    x = fn((100,))
    assert x.requires_grad
    assert torch.allclose(fn.log_prob(x), flow().log_prob(x), atol=1e-4)
    assert fn.support.check(x).all()
    with virgil.plate("rows", 42), poutine.trace() as tracer:
        virgil.sample("z", fn)
    assert tracer.trace["z"].log_prob.shape == (42,)


@pytest.mark.thorough
def test_a_flow_of_one_affine_map_finds_a_correlated_posterior():
    import zuko

    covariance = torch.tensor([[1.0, 0.8], [0.8, 2.0]])
    flow = zuko.flows.MAF(features=2, transforms=1, hidden_features=())

    def model():
        virgil.sample("z", dist.MultivariateNormal(torch.tensor([1.0, -1.0]), covariance))

    def guide():
        virgil.module("flow", flow)
        virgil.sample("z", ZukoToPyro(flow()))

    svi = SVI(model, guide, Adam({"lr": 0.02}), Trace_ELBO(num_particles=32, vectorize_particles=False))
    for _ in range(300):
        svi.step()
    draws = flow().sample((20_000,))
    # what is left of the divergence, which is zero at the posterior
    target = dist.MultivariateNormal(torch.tensor([1.0, -1.0]), covariance)
    assert (flow().log_prob(draws) - target.log_prob(draws)).mean().item() < 0.02

"""Objectives by hand: scaled terms, a KL weight, one's own loss, and gradients by torch."""

import pyro
import pyro.distributions as dist
import pytest
import torch
import torch.distributions.constraints as constraints
from pyro import poutine
from pyro.infer import SVI, Trace_ELBO

DATA = torch.tensor([1.0, 2.0, 0.5, 1.5])


def model(data, factor=1.0):
    with poutine.scale(scale=factor):
        z = pyro.sample("z", dist.Normal(0.0, 1.0))
    with pyro.plate("data", len(data)):
        pyro.sample("x", dist.Normal(z, 1.0), obs=data)


def guide(data, factor=1.0):
    loc = pyro.param("loc", torch.tensor(0.0))
    scale = pyro.param("scale", torch.tensor(1.0), constraint=constraints.positive)
    with poutine.scale(scale=factor):
        pyro.sample("z", dist.Normal(loc, scale))


def simple_elbo(model, guide, *args, **kwargs):
    guide_trace = poutine.trace(guide).get_trace(*args, **kwargs)
    model_trace = poutine.trace(poutine.replay(model, trace=guide_trace)).get_trace(*args, **kwargs)
    return -1 * (model_trace.log_prob_sum() - guide_trace.log_prob_sum())


def tempered(factor):
    """The best normal guide where the divergence from the prior counts ``factor`` times."""
    precision = len(DATA) / factor + 1
    return DATA.sum().item() / factor / precision, precision**-0.5


@pytest.mark.parametrize("loss", [simple_elbo, Trace_ELBO(num_particles=1)])
@pytest.mark.parametrize("factor", [1.0, 0.2])
def test_a_loss_of_ones_own_with_a_scaled_divergence(loss, factor):
    svi = SVI(model, guide, pyro.optim.Adam({"lr": 0.02}), loss=loss)
    for step in range(1_200):
        if step == 800:
            svi.optim = pyro.optim.Adam({"lr": 0.002})
        svi.step(DATA, factor)
    loc, scale = tempered(factor)
    assert pyro.param("loc").item() == pytest.approx(loc, abs=0.08)
    assert pyro.param("scale").item() == pytest.approx(scale, rel=0.15)


def test_gradients_by_torch_with_a_regulariser():
    optimizer = None
    loss_fn = Trace_ELBO(num_particles=20).differentiable_loss

    def my_custom_l2_regularizer(parameters):
        return sum(0.5 * parameter.pow(2.0).sum() for parameter in parameters)

    for _ in range(600):
        with poutine.trace(param_only=True) as param_capture:
            loss = loss_fn(model, guide, DATA)
        params = [site["value"].unconstrained() for site in param_capture.trace.nodes.values()]
        if optimizer is None:
            optimizer = torch.optim.Adam(params, lr=0.01)
        loss = loss + my_custom_l2_regularizer([pyro.param("loc")])
        loss.backward()
        optimizer.step()
        optimizer.zero_grad()
    # minimises (5 loc**2 - 10 loc) / 2 + loc**2 / 2, since the data's sum is 5
    assert pyro.param("loc").item() == pytest.approx(5 / 6, abs=0.05)
    assert pyro.param("scale").item() == pytest.approx(5**-0.5, rel=0.1)


def test_a_class_of_ones_own():
    class Doubled(Trace_ELBO):
        def loss(self, model, guide, *args, **kwargs):
            return 2 * super().loss(model, guide, *args, **kwargs)

    pyro.param("loc", torch.tensor(1.0))
    pyro.param("scale", torch.tensor(5.0**-0.5), constraint=constraints.positive)
    evidence = dist.MultivariateNormal(torch.zeros(4), torch.eye(4) + 1).log_prob(DATA)
    assert Doubled().loss(model, guide, DATA) == pytest.approx(-2 * evidence.item(), rel=1e-5)


def test_masked_terms_do_not_count():
    def masked(data, keep):
        with pyro.plate("data", len(data)), poutine.mask(mask=keep):
            pyro.sample("x", dist.Normal(0.0, 1.0), obs=data)

    keep = torch.tensor([True, False, True, False])
    loss = Trace_ELBO().loss(masked, lambda data, keep: None, DATA, keep)
    assert loss == pytest.approx(-dist.Normal(0.0, 1.0).log_prob(DATA[keep]).sum().item())

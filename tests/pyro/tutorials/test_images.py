"""Images in the style of the tutorials: conditional autoencoders, and scenes that are explained object by object."""

import math

import pyro
import pyro.distributions as dist
import pytest
import torch
from pyro import poutine
from pyro.infer import SVI, Predictive, Trace_ELBO
from pyro.optim import Adam
from torch import nn
from torch.nn import functional

# A conditional autoencoder: the right half of a row of pixels, given the left half

LOADING, NOISE = torch.tensor([[1.0, -0.5]]), 0.5


class Halves(nn.Module):
    """Prior, recognition and generation networks, linear so that the evidence has a closed form."""

    def __init__(self):
        super().__init__()
        self.prior_net = nn.Linear(2, 1)
        self.recognition_net = nn.Linear(4, 2)
        self.generation_net = nn.Linear(1, 2, bias=False)
        with torch.no_grad():
            self.generation_net.weight.copy_(LOADING.T)
            self.prior_net.weight.copy_(torch.tensor([[0.8, 0.3]]))
            self.prior_net.bias.zero_()

    def model(self, left, right=None):
        pyro.module("generation_net", self)
        with pyro.plate("data", len(left)):
            z = pyro.sample("z", dist.Normal(self.prior_net(left), 1.0).to_event(1))
            loc = self.generation_net(z)
            pyro.sample("y", dist.Normal(loc, NOISE).to_event(1), obs=right)
            return loc

    def guide(self, left, right=None):
        pyro.module("generation_net", self)
        with pyro.plate("data", len(left)):
            if right is None:
                pyro.sample("z", dist.Normal(self.prior_net(left), 1.0).to_event(1))
            else:
                loc, log_scale = self.recognition_net(torch.cat([left, right], -1)).chunk(2, -1)
                pyro.sample("z", dist.Normal(loc, log_scale.exp()).to_event(1))


def halves(count):
    left = torch.randn(count, 2)
    z = left @ torch.tensor([[0.8], [0.3]]) + torch.randn(count, 1)
    return left, z @ LOADING + NOISE * torch.randn(count, 2)


@pytest.mark.long
def test_a_conditional_autoencoder_reaches_the_conditional_evidence():
    """Of the right half given the left one: a normal distribution with covariance ``LL' + NOISE**2``."""
    left, right = halves(60)
    networks = Halves()
    for layer in (networks.prior_net, networks.generation_net):
        layer.requires_grad_(False)
    covariance = LOADING.T @ LOADING + NOISE**2 * torch.eye(2)
    prior = networks.prior_net(left) @ LOADING
    evidence = dist.MultivariateNormal(prior, covariance).log_prob(right).sum().item()
    svi = SVI(networks.model, networks.guide, Adam({"lr": 0.03}), Trace_ELBO())
    before = svi.evaluate_loss(left, right)
    for _ in range(500):
        svi.step(left, right)
    losses = torch.tensor([svi.evaluate_loss(left, right) for _ in range(200)])
    error = losses.std().item() / math.sqrt(len(losses))
    # the exact posterior is linear with one sd, so the network has it; what is left is the noise of the last steps
    assert -evidence - 5 * error < losses.mean().item() < -evidence + 1.0 + 5 * error < before


def test_the_right_half_is_predicted_from_the_left():
    left, _ = halves(3)
    networks = Halves()
    drawn = Predictive(networks.model, guide=networks.guide, num_samples=4_000)(left)["y"]
    assert drawn.shape == (4_000, 3, 2)
    sds = (LOADING**2 + NOISE**2).sqrt() / math.sqrt(4_000)
    assert ((drawn.mean(0) - networks.prior_net(left) @ LOADING).abs() < 5 * sds).all()  # 6 means, each with 6e-7


# Attend, infer, repeat: an image has up to two bright patches, each somewhere

SIZE, PATCH, SPREAD = 12, torch.ones(1, 1, 4, 4), 0.3
MORE = 0.5  # the probability of another object


def placed(where):
    """A patch of a third of the canvas, moved by ``where``. Shape: (N, 2) to (N, SIZE, SIZE)."""
    count = len(where)
    theta = torch.zeros(count, 2, 3)
    theta[:, 0, 0] = theta[:, 1, 1] = 3.0
    theta = torch.cat([theta[:, :, :2], -3.0 * where.unsqueeze(-1)], -1)
    grid = functional.affine_grid(theta, [count, 1, SIZE, SIZE], align_corners=False)
    return functional.grid_sample(PATCH.expand(count, 1, 4, 4), grid, align_corners=False).squeeze(1)


def scene(step, present, canvas):
    """One more object, if there was one before."""
    present = pyro.sample(f"z_pres_{step}", dist.Bernoulli(MORE * present).to_event(1))
    where = pyro.sample(f"z_where_{step}", dist.Normal(0.0, 0.5).expand([len(canvas), 2]).mask(present).to_event(1))
    return present, canvas + present.unsqueeze(-1) * placed(where)


def air_model(images):
    with pyro.plate("images", len(images)):
        present, canvas = torch.ones(len(images), 1), torch.zeros(len(images), SIZE, SIZE)
        for step in range(2):
            present, canvas = scene(step, present, canvas)
        pyro.sample("image", dist.Normal(canvas, SPREAD).to_event(2), obs=images)


def air_guide(images):
    start = torch.tensor([[[-0.2, -0.2], [0.2, 0.2]]]).expand(len(images), 2, 2)
    wheres = pyro.param("where", start.clone())
    logits = pyro.param("logits", torch.zeros(len(images), 2))
    with pyro.plate("images", len(images)):
        present = torch.ones(len(images), 1)
        for step in range(2):
            probs = logits[:, [step]].sigmoid() * present
            present = pyro.sample(f"z_pres_{step}", dist.Bernoulli(probs).to_event(1))
            where = dist.Normal(wheres[:, step], 0.05).mask(present).to_event(1)
            pyro.sample(f"z_where_{step}", where)


@pytest.mark.long
def test_objects_are_counted_and_found():
    """Images of none, one and two patches: the likelihood is worth hundreds of nats for each, the prior a few."""
    truth = torch.tensor([[[-0.5, -0.5], [0.5, 0.5]]] * 3)
    counts = torch.tensor([0, 1, 2])
    patches = torch.stack([placed(truth[:, step]) * (counts > step)[:, None, None] for step in range(2)])
    images = patches.sum(0)
    svi = SVI(air_model, air_guide, Adam({"lr": 0.05}), Trace_ELBO())
    for _ in range(600):
        svi.step(images)
    probs = pyro.param("logits").detach().sigmoid()
    assert (probs[counts > 0, 0] > 0.9).all()
    assert probs[2, 1] > 0.9
    assert probs[0, 0] < 0.1
    assert probs[1, 1] < 0.1
    found = pyro.param("where").detach()  # a patch has a width of 2 / 3, and begins 0.3 from its place
    torch.testing.assert_close(found[1:, 0], truth[1:, 0], atol=0.1, rtol=0.0)
    torch.testing.assert_close(found[2, 1], truth[2, 1], atol=0.1, rtol=0.0)


def test_an_absent_object_costs_nothing():
    """Its place is masked in model and guide, so that only its absence has a probability."""
    images = torch.zeros(3, SIZE, SIZE)
    absent = {f"z_pres_{step}": torch.zeros(3, 1) for step in range(2)}
    absent |= {f"z_where_{step}": torch.zeros(3, 2) for step in range(2)}
    trace = poutine.trace(poutine.condition(air_model, data=absent)).get_trace(images)
    expected = 3 * (math.log(1 - MORE) + dist.Normal(0.0, SPREAD).log_prob(torch.tensor(0.0)).item() * SIZE**2)
    assert trace.log_prob_sum().item() == pytest.approx(expected, rel=1e-5)

"""Flows fitted to data of known density by maximum likelihood come within 0.05 nats of its entropy."""

import math

import pytest
import torch
from sklearn.datasets import make_moons
from torch import nn

import virgil.distributions as dist
from virgil.distributions.transforms import AffineAutoregressive, ComposeTransformModule, SplineAutoregressive
from virgil.networks import AutoRegressiveNN

BASE = dist.Normal(torch.zeros(2), 1.0).to_event(1)
NOISE = 0.1  # of the moons


def banana(size):
    x = torch.randn(size)
    return torch.stack([x, x.square() + 0.5 * torch.randn(size)], -1)


def banana_log_density(x):
    first, second = x.unbind(-1)
    return dist.Normal(0.0, 1.0).log_prob(first) + dist.Normal(first.square(), 0.5).log_prob(second)


def moons(size):
    points, _ = make_moons(size, noise=NOISE, random_state=int(torch.randint(2**31, ())))
    return torch.from_numpy(points).float()


def moons_log_density(x):
    """Normal noise around two half-circles, uniform along the arcs; the integral by the midpoint rule."""
    angle = (torch.arange(400) + 0.5) * math.pi / 400
    upper = torch.stack([angle.cos(), angle.sin()], -1)
    arcs = torch.cat([upper, torch.tensor([1.0, 0.5]) - upper])
    near = dist.Normal(arcs, NOISE).log_prob(x[:, None, :]).sum(-1)
    return near.logsumexp(-1) - math.log(len(arcs))


def in_orders(count, make):
    """Layers whose variables stand in one order and in the other by turns."""
    return [make(torch.tensor([0, 1] if each % 2 else [1, 0])) for each in range(count)]


def excess(flow, draw, log_density, steps, size=512, rate=0.01):
    """How far the flow's mean log-density on new data stays below the true one, in nats."""
    fn = dist.TransformedDistribution(BASE, [flow.inv])
    optimiser = torch.optim.Adam(flow.parameters(), rate)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, rate, total_steps=steps)
    for _ in range(steps):
        optimiser.zero_grad()
        (-fn.log_prob(draw(size)).mean()).backward()
        optimiser.step()
        schedule.step()
    with torch.no_grad():
        new = draw(4000)
        return (log_density(new) - fn.log_prob(new)).mean().item()


def test_the_density_of_the_moons_integrates_to_one():
    x, y = torch.meshgrid(torch.linspace(-2, 3, 201), torch.linspace(-1.5, 2, 141), indexing="ij")
    density = moons_log_density(torch.stack([x, y], -1).reshape(-1, 2)).exp()
    assert density.sum().item() * 0.025**2 == pytest.approx(1, abs=1e-3)


@pytest.mark.long
def test_an_affine_flow_reaches_the_banana():
    def layer(order):
        return AffineAutoregressive(AutoRegressiveNN(2, [32], permutation=order, nonlinearity=nn.Tanh()))

    assert abs(excess(layer(torch.tensor([0, 1])), banana, banana_log_density, steps=600, rate=0.03)) < 0.05


@pytest.mark.long
def test_a_flow_of_splines_reaches_the_two_moons():
    def layer(order):
        network = AutoRegressiveNN(2, [32, 32], [8, 8, 7, 8], permutation=order)
        return SplineAutoregressive(2, network, count_bins=8)

    flow = ComposeTransformModule(in_orders(2, layer))
    assert abs(excess(flow, moons, moons_log_density, steps=800)) < 0.05

"""`initialize_model`: the energy of a model whose density is written by hand."""

import math

import pytest
import torch
from torch.distributions.transforms import AffineTransform, ComposeTransform, ExpTransform

import virgil
import virgil.distributions as dist
from virgil.infer.mcmc import initialize_model

HALVED = ComposeTransform([ExpTransform().inv, AffineTransform(0.0, 2.0)])


def counts(observed):
    rate = virgil.sample("rate", dist.Exponential(2.0))
    virgil.sample("place", dist.Normal(torch.zeros(3), 1.0).to_event(1))
    virgil.sample("count", dist.Poisson(rate), obs=observed)


def minus_log_density(u, place):
    """By hand: Exponential(2) for exp(u), three standard normals, Poisson of 3, and the Jacobian of exp."""
    rate = math.exp(u)
    prior = math.log(2) - 2 * rate - 1.5 * math.log(2 * math.pi) - 0.5 * sum(each**2 for each in place)
    return -(prior + 3 * u - rate - math.log(6) + u)


@pytest.mark.parametrize("u", [-1.0, 0.3, 1.2])
def test_the_energy_of_a_model_is_minus_its_log_density(u):
    start, potential, transforms, execution = initialize_model(counts, (torch.tensor(3.0),))
    place = [0.5, -1.0, 2.0]
    energy = potential({"rate": torch.tensor(u), "place": torch.tensor(place)})
    assert float(energy) == pytest.approx(minus_log_density(u, place), rel=1e-5)
    assert float(transforms["rate"](torch.tensor(u).exp())) == pytest.approx(u, rel=1e-5)
    assert {name: value.shape for name, value in start.items()} == {"rate": (), "place": (3,)}
    assert execution.nodes["count"]["is_observed"]


def test_the_energy_follows_the_transforms_given():
    _, potential, transforms, _ = initialize_model(counts, (torch.tensor(3.0),), transforms={"rate": HALVED})
    place, v = [0.0, 0.0, 1.0], 0.8
    energy = potential({"rate": torch.tensor(v), "place": torch.tensor(place)})
    # log rate is v / 2: the density by hand, without the Jacobian of exp and with that of this map
    assert float(energy) == pytest.approx(minus_log_density(v / 2, place) + math.log(2), rel=1e-5)
    assert float(transforms["rate"](torch.tensor(2.0))) == pytest.approx(2 * math.log(2), rel=1e-5)


def test_many_chains_begin_at_many_states():
    starts, *_ = initialize_model(counts, (torch.tensor(3.0),), num_chains=3)
    assert len(starts) == 3
    assert len({float(each["rate"]) for each in starts}) == 3

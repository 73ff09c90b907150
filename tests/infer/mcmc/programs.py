"""Models that other processes find by their module."""

import torch

import virgil
import virgil.distributions as dist

DATA = torch.tensor([0.3, 1.9, 2.2, 1.1])


def conjugate(data):
    """A normal posterior of mean ``sum / (n + 1)`` and variance ``1 / (n + 1)``."""
    loc = virgil.sample("loc", dist.Normal(0.0, 1.0))
    with virgil.plate("data", len(data)):
        virgil.sample("x", dist.Normal(loc, 1.0), obs=data)


def two_parts():
    """A location, a scale and a simplex."""
    virgil.sample("a", dist.Normal(1.0, 2.0))
    virgil.sample("b", dist.HalfNormal(1.0))
    virgil.sample("c", dist.Dirichlet(torch.tensor([1.0, 2.0, 3.0])))

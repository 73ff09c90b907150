"""Models and guides with plates that fit together; ``plain.py`` has the table."""

from __future__ import annotations

import torch

import virgil
import virgil.distributions as dist
from virgil import poutine
from virgil.distributions import constraints

DATA = torch.tensor([0.5, -1.0, 2.0, 0.25])
POSITIVE = constraints.positive


def leaf(name, value, **options):
    return virgil.param(f"q_{name}", torch.as_tensor(value), **options)


def normal(name, shape=(), event=False):
    fn = dist.Normal(
        leaf(f"{name}_loc", torch.zeros(shape)), leaf(f"{name}_scale", torch.ones(shape), constraint=POSITIVE)
    )
    return virgil.sample(name, fn.to_event(len(shape)) if event else fn)


def local_model(subsample_size=None, dim=None):
    mu = virgil.sample("mu", dist.Normal(0.0, 1.0))
    with virgil.plate("data", 4, subsample_size=subsample_size, dim=dim) as indices:
        z = virgil.sample("z", dist.Normal(mu, 1.0))
        data = DATA[indices] if dim in (None, -1) else DATA[indices].unsqueeze(-1)
        virgil.sample("x", dist.Normal(z, 1.0), obs=data)


def local_guide(subsample_size=None, dim=None):
    normal("mu")
    with virgil.plate("data", 4, subsample_size=subsample_size, dim=dim) as indices:
        loc = leaf("z_loc", torch.zeros(4))[indices]
        virgil.sample("z", dist.Normal(loc if dim in (None, -1) else loc.unsqueeze(-1), 1.0))


def guide_broadcast_by_its_plate():
    normal("mu")
    with virgil.plate("data", 4):
        normal("z")


def minibatch_model():
    local_model(subsample_size=2)


def minibatch_guide():
    local_guide(subsample_size=2)


def guide_without_subsample_size():
    """The guide draws the mini-batch; the model takes it from there."""
    local_guide(subsample_size=3)


def model_of_three():
    local_model(subsample_size=3)


def left_dim_model():
    local_model(dim=-2)


def left_dim_guide():
    local_guide(dim=-2)


def nested_model():
    with virgil.plate("rows", 2, dim=-2):
        r = virgil.sample("r", dist.Gamma(2.0, 1.0))
        with virgil.plate("columns", 3, dim=-1):
            c = virgil.sample("c", dist.Normal(0.0, r))
            virgil.sample("x", dist.Normal(c, 1.0), obs=torch.zeros(2, 3))


def nested_guide():
    with virgil.plate("rows", 2, dim=-2):
        virgil.sample("r", dist.LogNormal(leaf("r", torch.zeros(2, 1)), 1.0))
        with virgil.plate("columns", 3, dim=-1):
            normal("c", (2, 3))


def columns_model():
    """Each row has three entries in a dim that nothing declares: a part of the event."""
    with virgil.plate("rows", 2, dim=-2):
        z = virgil.sample("z", dist.Normal(torch.zeros(2, 3), 1.0))
        virgil.sample("x", dist.Normal(z, 1.0), obs=torch.zeros(2, 3))


def columns_guide():
    with virgil.plate("rows", 2, dim=-2):
        normal("z", (2, 3))


def _iterated(latent):
    def program():
        for i in virgil.plate("data", 4):
            z = latent(i)
            if latent is _prior_of:
                virgil.sample(f"x_{i}", dist.Normal(z, 1.0), obs=DATA[i])

    return program


def _prior_of(i):
    return virgil.sample(f"z_{i}", dist.Normal(0.0, 1.0))


def _guide_of(i):
    return normal(f"z_{i}")


iterated_model, iterated_guide = _iterated(_prior_of), _iterated(_guide_of)


def masked_model():
    with virgil.plate("data", 4), poutine.mask(mask=torch.tensor([True, False, True, True])):
        z = virgil.sample("z", dist.Normal(0.0, 1.0))
        virgil.sample("x", dist.Gamma(1.0, z.exp()), obs=torch.tensor([1.0, float("nan"), 2.0, 3.0]))


def masked_guide():
    with virgil.plate("data", 4), poutine.mask(mask=torch.tensor([True, False, True, True])):
        normal("z", (4,))


def partly_model():
    with virgil.plate("data", 4):
        data = torch.tensor([1.0, float("nan"), 2.0, 3.0])
        virgil.sample("x", dist.Exponential(1.0), obs=data, obs_mask=~data.isnan())


def partly_guide():
    with virgil.plate("data", 4):
        virgil.sample("x_unobserved", dist.LogNormal(leaf("loc", torch.zeros(4)), 1.0))

"""Models and guides whose parameters stay in the range that they are needed in; ``plain.py`` has the table."""

from __future__ import annotations

import torch

import virgil
import virgil.distributions as dist
from tests.pairs.plated import DATA, leaf, normal
from virgil.distributions import constraints

GREY = torch.tensor([0.25, 0.75, 0.5, 0.0])


def grey_model():
    """Pixels that are no whole numbers, which the program says it knows."""
    p = virgil.sample("p", dist.Beta(2.0, 2.0))
    virgil.sample("x", dist.Bernoulli(p.unsqueeze(-1) + torch.zeros(4), validate_args=False).to_event(1), obs=GREY)


def grey_guide():
    virgil.sample("p", dist.Beta(leaf("a", 2.0, constraint=constraints.positive), 2.0))


def plate_without_a_size():
    z = virgil.sample("z", dist.Normal(0.0, 1.0))
    with virgil.plate("data") as indices:
        virgil.sample("x", dist.Normal(z + torch.zeros(4), 1.0), obs=DATA[indices])


def points_model():
    virgil.sample("share", dist.Dirichlet(torch.full((3,), 3.0)))
    virgil.sample("rate", dist.Gamma(2.0, 1.0))
    virgil.sample("p", dist.Uniform(-1.0, 2.0))
    virgil.sample("loc", dist.Normal(torch.zeros(3), 1.0).to_event(1))
    virgil.sample("factor", dist.LKJCholesky(2, 1.0))


def points_guide():
    share = leaf("share", torch.ones(3) / 3, constraint=constraints.simplex)
    virgil.sample("share", dist.Delta(share, event_dim=1))
    virgil.sample("rate", dist.Delta(leaf("rate", 1.0, constraint=constraints.softplus_positive)))
    virgil.sample("p", dist.Delta(leaf("p", 0.5, constraint=constraints.unit_interval)))
    virgil.sample("loc", dist.Delta(leaf("loc", torch.ones(3) / 3, constraint=constraints.simplex), event_dim=1))
    factor = leaf("factor", torch.eye(2), constraint=constraints.corr_cholesky)
    virgil.sample("factor", dist.Delta(factor, event_dim=2))


def ranged_model():
    virgil.sample("z", dist.Normal(torch.zeros(3), 1.0).to_event(1))
    scale = leaf("model_scale", 1.0, constraint=constraints.positive)
    z = virgil.sample("w", dist.Normal(torch.zeros(3), scale).to_event(1))
    virgil.sample("k", dist.Categorical(torch.ones(3)))
    virgil.sample("x", dist.Bernoulli(logits=leaf("logit", 0.0)), obs=torch.tensor(1.0))
    virgil.sample("y", dist.Normal(z.sum(-1), scale), obs=DATA[0])


def ranged_guide():
    tril = leaf("tril", torch.eye(3), constraint=constraints.lower_cholesky)
    virgil.sample("z", dist.Normal(leaf("z", torch.zeros(3)), tril.diagonal()).to_event(1))
    virgil.sample("w", dist.MultivariateNormal(leaf("w", torch.zeros(3)), scale_tril=tril))
    virgil.sample("k", dist.Categorical(leaf("k", torch.ones(3), constraint=constraints.positive)))


PAIRS = {
    "values that the program does not want checked": (grey_model, grey_guide),
    "plate without a size": (plate_without_a_size, lambda: normal("z")),
    "points inside": (points_model, points_guide),
    "arguments inside": (ranged_model, ranged_guide),
}

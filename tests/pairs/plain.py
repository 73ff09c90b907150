"""A table of model and guide pairs that fit together, one for every way in which programs are commonly written."""

from __future__ import annotations

import torch
from torch import nn

import virgil
import virgil.distributions as dist
from tests.pairs import ranged
from tests.pairs.plated import (
    DATA,
    POSITIVE,
    columns_guide,
    columns_model,
    guide_broadcast_by_its_plate,
    guide_without_subsample_size,
    iterated_guide,
    iterated_model,
    leaf,
    left_dim_guide,
    left_dim_model,
    local_guide,
    local_model,
    masked_guide,
    masked_model,
    minibatch_guide,
    minibatch_model,
    model_of_three,
    nested_guide,
    nested_model,
    normal,
    partly_guide,
    partly_model,
)
from virgil import poutine
from virgil.distributions import constraints


def scalar_model():
    z = virgil.sample("z", dist.Normal(0.0, 1.0))
    with virgil.plate("data", 4):
        virgil.sample("x", dist.Normal(z, 1.0), obs=DATA)


def scalar_guide():
    normal("z")


def one_dim_guide():
    """A batch of one where the model has none."""
    virgil.sample("z", dist.Normal(leaf("loc", 0.0).reshape(1), 1.0))


def delta_guide():
    virgil.sample("z", dist.Delta(leaf("z", 0.0)))


def conditioned_out():
    poutine.condition(scalar_model, data={"z": torch.tensor(0.3)})()


def empty_guide():
    pass


encoder = nn.Linear(1, 1)


def amortised_model():
    with virgil.plate("data", 4):
        z = virgil.sample("z", dist.Normal(torch.zeros(1), 1.0).to_event(1))
        virgil.sample("x", dist.Normal(z, 1.0).to_event(1), obs=DATA.unsqueeze(-1))


def amortised_guide():
    virgil.module("encoder", encoder)
    with virgil.plate("data", 4):
        virgil.sample("z", dist.Normal(encoder(DATA.unsqueeze(-1)), 1.0).to_event(1))


def auxiliary_guide():
    u = virgil.sample("u", dist.Normal(0.0, 1.0), infer={"is_auxiliary": True})
    virgil.sample("z", dist.Normal(u * leaf("slope", 0.5), 1.0))


def auxiliary_in_an_own_plate():
    with virgil.plate("only in the guide", 3):
        u = virgil.sample("u", dist.Normal(0.0, 1.0), infer={"is_auxiliary": True})
    virgil.sample("z", dist.Normal(u.mean(-1, keepdim=True) * leaf("slope", 0.5), 1.0))


def factor_model():
    z = virgil.sample("z", dist.Normal(0.0, 1.0))
    virgil.factor("likelihood", -(z**2))


def factor_guide():
    normal("z")
    virgil.factor("penalty", -(leaf("z_loc", 0.0) ** 2), has_rsample=True)


def vector_model():
    with virgil.plate("features", 3):
        w = virgil.sample("w", dist.Normal(0.0, 1.0))
    with virgil.plate("data", 4, dim=-2):
        virgil.sample("x", dist.Normal(w.sum(-1, keepdim=True), 1.0), obs=DATA.unsqueeze(-1))


def vector_guide():
    with virgil.plate("features", 3):
        normal("w", (3,))


def event_model():
    w = virgil.sample("w", dist.Normal(torch.zeros(3), 1.0).to_event(1))
    with virgil.plate("data", 4):
        virgil.sample("x", dist.Normal(w.sum(-1), 1.0), obs=DATA)


def event_guide():
    tril = leaf("tril", torch.eye(3), constraint=constraints.lower_cholesky)
    virgil.sample("w", dist.MultivariateNormal(leaf("loc", torch.zeros(3)), scale_tril=tril))


def discrete_model():
    with virgil.plate("data", 4):
        k = virgil.sample("k", dist.Categorical(torch.ones(3)))
        virgil.sample("x", dist.Normal(k.float(), 1.0), obs=DATA)


def discrete_guide():
    with virgil.plate("data", 4):
        virgil.sample("k", dist.Categorical(logits=leaf("logits", torch.zeros(4, 3))))


def narrower_model():
    s = virgil.sample("s", dist.Uniform(0.0, 10.0))
    virgil.sample("x", dist.Normal(0.0, s), obs=torch.tensor(1.0))


def narrower_guide():
    """The guide's support lies inside the model's."""
    share = virgil.sample("share", dist.Beta(leaf("a", 2.0), 2.0), infer={"is_auxiliary": True})
    virgil.sample("s", dist.Delta(5 * share))


def scaled(program):
    return poutine.scale(program, scale=0.1)


def markov_model():
    z = torch.tensor(0.0)
    for t in virgil.markov(range(4)):
        z = virgil.sample(f"z_{t}", dist.Normal(z, 1.0))
        virgil.sample(f"x_{t}", dist.Normal(z, 1.0), obs=DATA[t])


def markov_guide():
    for t in virgil.markov(range(4)):
        normal(f"z_{t}")


def deterministic_model():
    z = virgil.sample("z", dist.Normal(torch.zeros(2), 1.0).to_event(1))
    total = virgil.deterministic("total", z.sum(-1))
    virgil.sample("x", dist.Normal(total, 1.0), obs=torch.tensor(1.0))


def deterministic_guide():
    loc = leaf("loc", torch.zeros(2))
    virgil.deterministic("only in the guide", loc.sum())
    virgil.sample("z", dist.Normal(loc, 1.0).to_event(1))


def lifted_model():
    weight = virgil.param("weight", torch.tensor(0.0))
    virgil.sample("x", dist.Normal(weight, 1.0), obs=torch.tensor(1.0))


def lifted_guide():
    normal("weight")


def multinomial_model():
    p = virgil.sample("p", dist.Dirichlet(torch.ones(3)))
    virgil.sample("x", dist.Multinomial(10, p), obs=torch.tensor([3.0, 3.0, 4.0]))


def multinomial_guide():
    virgil.sample("p", dist.Dirichlet(leaf("alpha", torch.ones(3), constraint=POSITIVE)))


def _other_order_guide():
    with virgil.plate("data", 4):
        normal("z", (4,))
    normal("mu")


PAIRS = {
    "scalar": (scalar_model, scalar_guide),
    "scalar in a batch of one": (scalar_model, one_dim_guide),
    "delta": (scalar_model, delta_guide),
    "nothing latent": (conditioned_out, empty_guide),
    "local": (local_model, local_guide),
    "broadcast by the plate": (local_model, guide_broadcast_by_its_plate),
    "mini-batch": (minibatch_model, minibatch_guide),
    "mini-batch from the guide": (model_of_three, guide_without_subsample_size),
    "dim -2": (left_dim_model, left_dim_guide),
    "columns without a plate": (columns_model, columns_guide),
    "nested": (nested_model, nested_guide),
    "iterated": (iterated_model, iterated_guide),
    "masked": (masked_model, masked_guide),
    "partly observed": (partly_model, partly_guide),
    "amortised": (amortised_model, amortised_guide),
    "auxiliary": (scalar_model, auxiliary_guide),
    "auxiliary in its own plate": (scalar_model, auxiliary_in_an_own_plate),
    "factor": (factor_model, scalar_guide),
    "factor in the guide": (scalar_model, factor_guide),
    "plate of features": (vector_model, vector_guide),
    "event": (event_model, event_guide),
    "discrete": (discrete_model, discrete_guide),
    "narrower support": (narrower_model, narrower_guide),
    "scaled": (scaled(local_model), scaled(local_guide)),
    "markov": (markov_model, markov_guide),
    "deterministic": (deterministic_model, deterministic_guide),
    "lifted": (poutine.lift(lifted_model, prior={"weight": dist.Normal(0.0, 1.0)}), lifted_guide),
    "multinomial": (multinomial_model, multinomial_guide),
    "other order": (local_model, _other_order_guide),
    **ranged.PAIRS,
    "likelihood only": (poutine.lift(lifted_model, prior={}), empty_guide),
}

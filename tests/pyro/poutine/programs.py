"""Programs with plates, enumeration, observations and masks, and the table of old messengers beside our handlers."""

from __future__ import annotations

import pyro.poutine.block_messenger as block_messenger
import pyro.poutine.broadcast_messenger as broadcast_messenger
import pyro.poutine.condition_messenger as condition_messenger
import pyro.poutine.do_messenger as do_messenger
import pyro.poutine.enum_messenger as enum_messenger
import pyro.poutine.equalize_messenger as equalize_messenger
import pyro.poutine.escape_messenger as escape_messenger
import pyro.poutine.infer_config_messenger as infer_config_messenger
import pyro.poutine.lift_messenger as lift_messenger
import pyro.poutine.mask_messenger as mask_messenger
import pyro.poutine.reparam_messenger as reparam_messenger
import pyro.poutine.replay_messenger as replay_messenger
import pyro.poutine.scale_messenger as scale_messenger
import pyro.poutine.seed_messenger as seed_messenger
import pyro.poutine.substitute_messenger as substitute_messenger
import pyro.poutine.trace_messenger as trace_messenger
import pyro.poutine.uncondition_messenger as uncondition_messenger
import torch

import virgil
import virgil.distributions as dist
from tests.laws.handlers import Shifting, program
from virgil import poutine

Y = torch.tensor([[1.0, -1.0], [0.5, 2.0], [0.0, 0.3]])


def mixture():
    """An enumerated variable in two plates, one of which takes a mini-batch, and a mask around the observations."""
    weights = virgil.param("weights", torch.tensor([0.2, 0.8]), constraint=dist.constraints.simplex)
    loc = virgil.sample("loc", dist.Normal(torch.zeros(2), 1.0).to_event(1))
    with (
        virgil.plate("columns", 2, dim=-1),
        virgil.plate("rows", 6, subsample_size=3, dim=-2),
        poutine.mask(mask=Y > 0),
    ):
        z = virgil.sample("z", dist.Categorical(weights), infer={"enumerate": "parallel"})
        virgil.sample("x", dist.Normal(loc[z], 1.0), obs=Y)
    return loc


def chain():
    """An enumerated Markov chain with scaled observations, and a loop over a plate."""
    z = torch.tensor(0)
    probs = torch.tensor([[0.9, 0.1], [0.3, 0.7]])
    for step in virgil.markov(range(3)):
        z = virgil.sample(f"z_{step}", dist.Categorical(probs[z]), infer={"enumerate": "parallel"})
        with poutine.scale(scale=0.5):
            virgil.sample(f"x_{step}", dist.Normal(z.float(), 1.0), obs=torch.tensor(0.4))
    for slot in virgil.plate("slots", 2):
        virgil.sample(f"w_{slot}", dist.Gamma(2.0, 1.0))
    return torch.tensor(0.0)


PROGRAMS = {"all statements": program, "mixture": mixture, "chain": chain}
DATA = {"loc": torch.tensor([0.5, -0.5]), "w_0": torch.tensor(1.0)}
PARAMS = {"loc": torch.tensor(3.0), "weights": torch.tensor([0.4, 0.6])}
MASK = torch.tensor(False)


def configure(site):
    return {"seen": site["name"]}


def shift(site):
    is_normal = site["type"] == "sample" and isinstance(site["fn"], dist.Normal) and not site["is_observed"]
    return Shifting() if is_normal else None


def _prior(name):
    return {"loc": dist.Normal(0.0, 1.0), "weights": dist.Dirichlet(torch.ones(2))}.get(name)


# name -> the old messenger, our handler; both from an earlier trace
MESSENGERS = {
    "block": (lambda earlier: block_messenger.BlockMessenger(hide=["z"]), lambda earlier: poutine.block(hide=["z"])),
    "block all": (lambda earlier: block_messenger.BlockMessenger(), lambda earlier: poutine.block()),
    "broadcast": (lambda earlier: broadcast_messenger.BroadcastMessenger(), lambda earlier: poutine.broadcast()),
    "condition": (
        lambda earlier: condition_messenger.ConditionMessenger(DATA),
        lambda earlier: poutine.condition(data=DATA),
    ),
    "do": (
        lambda earlier: do_messenger.DoMessenger({"w_0": torch.tensor(2.0)}),
        lambda earlier: poutine.do(data={"w_0": torch.tensor(2.0)}),
    ),
    "enum": (lambda earlier: enum_messenger.EnumMessenger(-3), lambda earlier: poutine.enum(first_available_dim=-3)),
    "equalize": (
        lambda earlier: equalize_messenger.EqualizeMessenger("w_."),
        lambda earlier: poutine.equalize(sites="w_."),
    ),
    "equalize parameters": (
        lambda earlier: equalize_messenger.EqualizeMessenger(["loc", "weights"], "param"),
        lambda earlier: poutine.equalize(sites=["loc", "weights"], type="param"),
    ),
    "escape": (
        lambda earlier: escape_messenger.EscapeMessenger(lambda msg: False),
        lambda earlier: poutine.escape(escape_fn=lambda site: False),
    ),
    "infer_config": (
        lambda earlier: infer_config_messenger.InferConfigMessenger(configure),
        lambda earlier: poutine.infer_config(config_fn=configure),
    ),
    "lift": (lambda earlier: lift_messenger.LiftMessenger(_prior), lambda earlier: poutine.lift(prior=_prior)),
    "mask": (lambda earlier: mask_messenger.MaskMessenger(MASK), lambda earlier: poutine.mask(mask=MASK)),
    "reparam": (
        lambda earlier: reparam_messenger.ReparamMessenger(shift),
        lambda earlier: poutine.reparam(config=shift),
    ),
    "replay": (
        lambda earlier: replay_messenger.ReplayMessenger(earlier, PARAMS),
        lambda earlier: poutine.replay(trace=earlier, params=PARAMS),
    ),
    "scale": (lambda earlier: scale_messenger.ScaleMessenger(0.5), lambda earlier: poutine.scale(scale=0.5)),
    "seed": (lambda earlier: seed_messenger.SeedMessenger(7), lambda earlier: poutine.seed(rng_seed=7)),
    "substitute": (
        lambda earlier: substitute_messenger.SubstituteMessenger(PARAMS),
        lambda earlier: poutine.substitute(data=PARAMS),
    ),
    "trace": (lambda earlier: trace_messenger.TraceMessenger(), lambda earlier: poutine.trace()),
    "uncondition": (
        lambda earlier: uncondition_messenger.UnconditionMessenger(),
        lambda earlier: poutine.uncondition(),
    ),
}

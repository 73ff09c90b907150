"""The table of all handlers: how each is made, and one program that gives every one of them something to do."""

from __future__ import annotations

import torch

import virgil
import virgil.distributions as dist
from virgil import poutine
from virgil.poutine import Handler, Messenger


class Doubling(Handler):
    """A user's handler: hands the program twice the value of every latent site."""

    def handle(self, site, outer):
        finished = outer(site)
        if finished.is_latent:
            finished = finished.with_value(2 * finished.value)
        return finished


class HookedDoubling(Messenger):
    """The same, written as a hook that changes a mapping."""

    def _pyro_post_sample(self, msg):
        if not msg["is_observed"] and not poutine.site_is_subsample(msg):
            msg["value"] = 2 * msg["value"]


class Stating(Handler):
    """A user's handler: makes a statement of its own at every sample statement that it meets."""

    def __init__(self, word="beside"):
        self.word = word

    def handle(self, site, outer):
        if site.kind == "sample":
            virgil.factor(f"{site.name}_{self.word}", torch.tensor(-0.5))
        return outer(site)


class HookedStating(Messenger):
    """The same, written as a hook that changes a mapping."""

    def __init__(self, word="beside"):
        self.word = word

    def _pyro_sample(self, msg):
        if not msg["infer"].get("_deterministic") and not poutine.site_is_subsample(msg):
            virgil.factor(f"{msg['name']}_{self.word}", torch.tensor(-0.5))


class Shifting:
    """A reparameteriser: states a normal variable as its location plus a centred one."""

    def apply(self, msg):
        offset = virgil.sample(f"{msg['name']}_offset", dist.Normal(0.0, msg["fn"].scale))
        value = msg["fn"].loc + offset
        return {"fn": dist.Delta(value).mask(False), "value": value, "is_observed": True}


def _shift(site):
    return Shifting() if site.name == "z" and isinstance(site.fn, dist.Normal) else None


def program(shift=0.0, before=lambda name: None):
    """Every kind of statement: param, both kinds of plate, latent, observed, deterministic, factor, subsample.

    ``before`` is called right before each sample statement, with its name.
    """
    loc = virgil.param("loc", torch.tensor(0.5))
    with virgil.plate("columns", 3):
        before("z")
        z = virgil.sample("z", dist.Normal(loc + shift, 1.0))
        virgil.subsample(torch.arange(3.0), event_dim=0)
    for slot in virgil.plate("rounds", 2):
        before(f"w_{slot}")
        virgil.sample(f"w_{slot}", dist.Bernoulli(0.5))
    total = virgil.deterministic("total", z.sum())
    before("penalty")
    virgil.factor("penalty", -total.square())
    before("x")
    virgil.sample("x", dist.Normal(total, 1.0), obs=torch.tensor(1.0))
    return total


def _earlier():
    return poutine.trace(program).get_trace()


HANDLERS = {
    "trace": poutine.trace,
    "replay": lambda: poutine.replay(trace=_earlier()),
    "block": lambda: poutine.block(hide=["z"]),
    "block_all": poutine.block,
    "condition": lambda: poutine.condition(data={"z": torch.ones(3)}),
    "uncondition": poutine.uncondition,
    "substitute": lambda: poutine.substitute(data={"loc": torch.tensor(3.0)}),
    "lift": lambda: poutine.lift(prior=dist.Normal(0.0, 1.0)),
    "do": lambda: poutine.do(data={"z": torch.zeros(3)}),
    "scale": lambda: poutine.scale(scale=0.5),
    "mask": lambda: poutine.mask(mask=False),
    "seed": lambda: poutine.seed(rng_seed=7),
    "infer_config": lambda: poutine.infer_config(config_fn=lambda site: {"seen": site.name}),
    "broadcast": poutine.broadcast,
    "escape": lambda: poutine.escape(escape_fn=lambda site: False),
    "enum": lambda: poutine.enum(first_available_dim=-2),
    "equalize": lambda: poutine.equalize(sites="w_."),
    "reparam": lambda: poutine.reparam(config=_shift),
    "own": Doubling,
    "messenger": HookedDoubling,
    "stating": Stating,
    "messenger stating": HookedStating,
}

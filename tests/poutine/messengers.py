"""Handlers written as hooks that change a mapping, each beside ours that does the same."""

from __future__ import annotations

import torch

import virgil
import virgil.distributions as dist
from virgil import poutine
from virgil.poutine import Handler, Messenger, site_is_subsample

DATA = {"z": torch.tensor([1.0, 2.0, 3.0])}
LOC = {"loc": torch.tensor(3.0)}


class Scaling(Messenger):
    def __init__(self, factor):
        super().__init__()
        self.factor = factor

    def _pyro_sample(self, msg):
        msg["scale"] = msg["scale"] * self.factor


class Masking(Messenger):
    def _pyro_sample(self, msg):
        msg["mask"] = self.mask if msg["mask"] is None else msg["mask"] & self.mask

    def __init__(self, mask):
        self.mask = mask


class Conditioning(Messenger):
    def _pyro_sample(self, msg):
        if msg["name"] in DATA:
            msg.update(value=DATA[msg["name"]], is_observed=True)


class Unconditioning(Messenger):
    """Leaves alone what `deterministic` says."""

    def _pyro_sample(self, msg):
        if msg["is_observed"] and not msg["infer"].get("_deterministic"):
            msg["infer"]["was_observed"] = True
            msg["infer"]["obs"] = msg["value"]
            msg["is_observed"], msg["value"], msg["done"] = False, None, False


class Hiding(Messenger):
    def __init__(self, names):
        self.names = names

    def _process_message(self, msg):
        if self.names is None or msg["name"] in self.names:
            msg["stop"] = True
        super()._process_message(msg)


class Lifting(Messenger):
    def _pyro_param(self, msg):
        msg.update(type="sample", fn=dist.Normal(0.0, 1.0), value=None, done=False)


class Replaying(Messenger):
    def __init__(self, trace):
        self.trace = trace

    def _pyro_sample(self, msg):
        known = self.trace.nodes.get(msg["name"])
        if known is not None and not msg["is_observed"]:
            msg["done"], msg["value"], msg["infer"] = True, known["value"], msg["infer"]


class Substituting(Messenger):
    def _pyro_param(self, msg):
        if msg["name"] in LOC:
            msg["value"], msg["done"] = LOC[msg["name"]], True


class Marking(Messenger):
    def _pyro_sample(self, msg):
        if getattr(msg["fn"], "has_enumerate_support", False) and not msg["is_observed"]:
            msg["infer"]["enumerate"] = "parallel"


class Marked(Handler):
    def handle(self, site, outer):
        if site.is_latent and site.fn.has_enumerate_support:
            site = site.replace(infer={**site.infer, "enumerate": "parallel"})
        return outer(site)


class Tempering(Messenger):
    """The likelihood alone counts half."""

    def _pyro_sample(self, msg):
        if msg["is_observed"] and not msg["infer"].get("_deterministic"):
            msg["scale"] = 0.5 * msg["scale"]


class Tempered(Handler):
    def handle(self, site, outer):
        if site.kind == "sample" and site.observed:
            site = site.replace(scale=0.5 * site.scale)
        return outer(site)


class Widening(Messenger):
    """Another distribution in the place of each normal one."""

    def _pyro_sample(self, msg):
        if isinstance(msg["fn"], dist.Normal):
            msg["fn"] = dist.Laplace(msg["fn"].loc, 2 * msg["fn"].scale)


class Widened(Handler):
    def handle(self, site, outer):
        if site.kind == "sample" and isinstance(site.fn, dist.Normal):
            site = site.replace(fn=dist.Laplace(site.fn.loc, 2 * site.fn.scale))
        return outer(site)


class Decentering(Messenger):
    """Draws a standard normal variable and makes the site a function of it."""

    def _pyro_sample(self, msg):
        if msg["name"] == "z" and not msg["is_observed"] and isinstance(msg["fn"], dist.Normal):
            base = virgil.sample("z_base", dist.Normal(0.0, 1.0))
            value = msg["fn"].loc + msg["fn"].scale * base
            msg["fn"], msg["value"], msg["is_observed"] = dist.Delta(value).mask(False), value, True


class Decentered(Handler):
    def handle(self, site, outer):
        if site.name == "z" and site.is_latent and isinstance(site.fn, dist.Normal):
            value = site.fn.loc + site.fn.scale * virgil.sample("z_base", dist.Normal(0.0, 1.0))
            site = site.replace(fn=dist.Delta(value).mask(False), value=value, observed=True)
        return outer(site)


class Prefixing(Messenger):
    def _process_message(self, msg):
        if msg["type"] == "sample":
            msg["name"] = f"part.{msg['name']}"


class Prefixed(Handler):
    def handle(self, site, outer):
        return outer(site.replace(name=f"part.{site.name}") if site["type"] == "sample" else site)


class Doubling(Messenger):
    def _postprocess_message(self, msg):
        if msg["type"] == "sample" and not msg["is_observed"] and not site_is_subsample(msg):
            msg["value"] = 2 * msg["value"]


class Doubled(Handler):
    def handle(self, site, outer):
        finished = outer(site)
        return finished.with_value(2 * finished.value) if finished.is_latent else finished


class Silent(Messenger):
    """Has hooks for nothing."""


MASK = torch.tensor([True, False, True])

# name -> makes the user's handler, makes ours from an earlier trace
PAIRS = {
    "scaling": (lambda earlier: Scaling(0.5), lambda earlier: poutine.scale(scale=0.5)),
    "scaling by a tensor": (
        lambda earlier: Scaling(torch.tensor(0.5)),
        lambda earlier: poutine.scale(scale=torch.tensor(0.5)),
    ),
    "masking": (lambda earlier: Masking(False), lambda earlier: poutine.mask(mask=False)),
    "masking by a tensor": (
        lambda earlier: Masking(torch.tensor(False)),
        lambda earlier: poutine.mask(mask=torch.tensor(False)),
    ),
    "conditioning": (lambda earlier: Conditioning(), lambda earlier: poutine.condition(data=DATA)),
    "unconditioning": (lambda earlier: Unconditioning(), lambda earlier: poutine.uncondition()),
    "hiding": (lambda earlier: Hiding({"z", "x"}), lambda earlier: poutine.block(hide=["z", "x"])),
    "hiding all": (lambda earlier: Hiding(None), lambda earlier: poutine.block()),
    "lifting": (lambda earlier: Lifting(), lambda earlier: poutine.lift(prior=dist.Normal(0.0, 1.0))),
    "replaying": (Replaying, lambda earlier: poutine.replay(trace=earlier)),
    "substituting": (lambda earlier: Substituting(), lambda earlier: poutine.substitute(data=LOC)),
    "marking": (lambda earlier: Marking(), lambda earlier: Marked()),
    "tempering": (lambda earlier: Tempering(), lambda earlier: Tempered()),
    "widening": (lambda earlier: Widening(), lambda earlier: Widened()),
    "decentering": (lambda earlier: Decentering(), lambda earlier: Decentered()),
    "prefixing": (lambda earlier: Prefixing(), lambda earlier: Prefixed()),
    "doubling": (lambda earlier: Doubling(), lambda earlier: Doubled()),
    "nothing": (lambda earlier: Silent(), lambda earlier: Handler()),
}

"""Reparameterisers as users write them: handlers that state a standard variable in the place of a latent one."""

from __future__ import annotations

import torch
from torch import Tensor

import virgil
import virgil.distributions as dist
from virgil.poutine import Handler, Messenger


def decentered(name: str, fn) -> Tensor:
    """The value of a location-scale family as a function of a standard variable, ``name_base``."""
    if isinstance(fn, dist.MultivariateNormal):
        base = virgil.sample(f"{name}_base", dist.Normal(torch.zeros(fn.event_shape), 1.0).to_event(1))
        return fn.loc + (fn.scale_tril @ base.unsqueeze(-1)).squeeze(-1)
    return fn.loc + fn.scale * virgil.sample(f"{name}_base", dist.Normal(0.0, 1.0))


class Decentered(Handler):
    """Makes one latent site a function of a standard variable."""

    def __init__(self, name: str) -> None:
        self.name = name

    def handle(self, site, outer):
        if site.name == self.name and site.is_latent:
            value = decentered(site.name, site.fn)
            fn = dist.Delta(value, event_dim=len(site.fn.event_shape)).mask(False)
            site = site.replace(fn=fn, value=value, observed=True)
        return outer(site)


class HookedDecentered(Messenger):
    """The same, written as a hook that changes a mapping."""

    def __init__(self, name: str) -> None:
        self.name = name

    def _pyro_sample(self, msg):
        if msg["name"] == self.name and not msg["is_observed"]:
            event_dim = len(msg["fn"].event_shape)
            msg["value"] = decentered(self.name, msg["fn"])
            msg["fn"] = dist.Delta(msg["value"], event_dim=event_dim).mask(False)
            msg["is_observed"] = True

"""Dependences by intervention: one value is changed, all others are held, and who notices depends on it."""

from __future__ import annotations

import torch
from torch.distributions import constraints, transform_to

import virgil
from virgil.distributions.core.validation import unchecked
from virgil.poutine.runtime import Handler
from virgil.poutine.trace import trace

CHANGES = 4  # tries for each value
_KINDS = ("sample", "param", "deterministic", "plate")


class Held(Handler):
    """Gives the program the values stated, whatever it draws; what it would have is kept in ``found``."""

    def __init__(self, values, changed):
        self.values, self.changed, self.found = values, changed, {}

    def handle(self, site, outer):
        """Each distribution is scored at the held value of its own site, before the changed value is returned."""
        if site.kind not in _KINDS:
            return outer(site)
        held = self.values.get(site.name)
        if site.kind in ("sample", "plate") and site.value is None and held is not None:
            site = site.with_value(held)
        site = outer(site)
        if site.kind == "plate":
            return site
        if site.kind != "param":
            self.found[site.name] = site.value if site.kind == "deterministic" else site.log_prob
        return site.with_value(self.changed.get(site.name, site.value if held is None else held))


def dependences(program, *args):
    """The parents of each site: those whose value alone, all else held, changes its density or its value."""
    virgil.set_rng_seed(0)
    base = trace(program).get_trace(*args)
    sites = {name: site for name, site in base.nodes.items() if site.kind in _KINDS}
    values = {name: site.value.detach().clone() for name, site in sites.items()}
    before = _found(program, args, values, {})
    parents = {name: set() for name in before}
    for name, site in sites.items():
        if site.kind == "plate" or "$$$" in name:  # a network reads its own tensors, not what the statement returns
            continue
        for attempt in range(CHANGES):
            after = _found(program, args, values, {name: _other(site, attempt)})
            for child, found in parents.items():
                if child != name and not _same(before[child], after.get(child)):
                    found.add(name)
    return parents


def _found(program, args, values, changed):
    held = Held(values, changed)
    with unchecked(), torch.no_grad():
        held(program)(*args)
    return held.found


def _same(before, after):
    return after is not None and before.shape == after.shape and torch.allclose(before, after, 1e-9, 0, equal_nan=True)


def _other(site, attempt):
    """Another value of the site; of a discrete one, each of its support in turn, in all slots."""
    value = site.value.detach()
    fn = site.fn
    if site.kind == "sample" and fn.support.is_discrete:
        if fn.has_enumerate_support:
            support = fn.enumerate_support(expand=False).reshape(-1, *fn.event_shape)
            return support[torch.full(fn.batch_shape, attempt % len(support))]
        return fn.sample()
    store = virgil.get_param_store()
    support = {"sample": lambda: fn.support, "param": lambda: store.constraint(site.name)}.get(
        site.kind, lambda: constraints.real
    )()
    bijection = transform_to(support)
    free = bijection.inv(value)
    return bijection(free + torch.randn(free.shape, dtype=free.dtype)).to(value.dtype)

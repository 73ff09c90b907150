"""The exact bound of programs with discrete variables: every joint assignment is run on its own, one slot at a time.

It knows nothing of enumeration in parallel: a program is run once for each assignment of values to its discrete sites,
every slot of a plate by itself, and for each node of a Gauss-Hermite rule at the normal sites of its guide.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Iterator

import numpy as np
import torch

import virgil
from tests.exact.estimates import Case
from virgil import poutine
from virgil.poutine.runtime import Handler

NODES, WEIGHTS = (torch.as_tensor(each) for each in np.polynomial.hermite_e.hermegauss(24))
WEIGHTS = WEIGHTS / WEIGHTS.sum()


class Assign(Handler):
    """Gives each slot of the latent sites in ``choices`` the value that has the number stated there."""

    def __init__(self, choices: dict[str, torch.Tensor], values: dict[str, torch.Tensor]) -> None:
        self.choices, self.values = choices, values

    def handle(self, site, outer):
        if site.kind == "sample" and not site.observed:
            if site.name in self.values:
                site = site.with_value(self.values[site.name])
            elif site.name in self.choices:
                site = site.with_value(value_at(site.fn, self.choices[site.name]))
        return outer(site)


def value_at(fn, numbers):
    if fn.has_rsample:
        return fn.loc + fn.scale * NODES[numbers]
    return fn.enumerate_support(expand=False).reshape(-1, *fn.event_shape)[numbers]


def assignments(program: Callable, values: dict[str, torch.Tensor]) -> Iterator[poutine.Trace]:
    """An execution for each joint assignment of the latent sites that have no value yet."""
    first = poutine.trace(Assign({}, values)(program)).get_trace()
    latent = {name: site for name, site in first.iter_stochastic_nodes() if name not in values}
    ranges = []
    for site in latent.values():
        count = len(NODES) if site.fn.has_rsample else len(site.fn.enumerate_support(expand=False))
        ranges.append(list(itertools.product(range(count), repeat=math.prod(site.fn.batch_shape))))
    for flat in itertools.product(*ranges):
        choices = {
            name: torch.tensor(each).reshape(site.fn.batch_shape)
            for (name, site), each in zip(latent.items(), flat, strict=True)
        }
        yield poutine.trace(Assign(choices, values)(program)).get_trace()


def log_evidence(model: Callable, values: dict[str, torch.Tensor]) -> torch.Tensor:
    """The logarithm of the sum of the joint density over all latent variables but those that have values.

    A mask does not touch the distribution of a variable that is summed out.
    """
    terms = []
    for trace in assignments(model, values):
        sites = [site for site in trace.nodes.values() if site.kind == "sample"]
        summed = [site.is_latent and site.name not in values for site in sites]
        terms.append(
            sum(
                (site.unscaled_log_prob if own else site.log_prob).sum()
                for site, own in zip(sites, summed, strict=True)
            )
        )
    return torch.logsumexp(torch.stack(terms), 0)


def exact_bound(model: Callable, guide: Callable) -> torch.Tensor:
    """The mean of log evidence minus log q over everything in the guide."""
    total = torch.zeros(())
    for trace in assignments(guide, {}):
        latent = dict(trace.iter_stochastic_nodes())
        log_weight = sum(_log_weight(site) for site in latent.values()) if latent else torch.zeros(())
        values = {name: site.value for name, site in latent.items()}
        entropy = sum(site.log_prob.sum() for site in latent.values())
        total = total + log_weight.exp() * (log_evidence(model, values) - entropy)
    return total


def _log_weight(site):
    if site.fn.has_rsample:  # the node's weight: the value moves with the parameters, the weight does not
        standard = ((site.value - site.fn.loc) / site.fn.scale).detach()
        return WEIGHTS[(NODES - standard.unsqueeze(-1)).abs().argmin(-1)].log().sum()
    return site.unscaled_log_prob.sum()


def nothing():
    """The guide of a model all of whose latent variables are summed out."""


def case(model, params, guide=nothing, reference=None, power=1.0, reference_guide=None, **options) -> Case:
    """A case whose exact loss is found by brute force.

    Args:
        reference, reference_guide: plain programs of the same bound, where the case states it otherwise.
        power: what multiplies their bound.
    """

    def loss(leaves):
        with virgil.ParamStore() as store:
            for name, value in leaves.items():
                virgil.param(f"q_{name}", value.detach())
            with store.substituted({f"q_{name}": value for name, value in leaves.items()}):
                return -power * exact_bound(reference or model, reference_guide or guide)

    return Case(model, guide, params, loss, **options)

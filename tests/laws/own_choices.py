"""Choices of a user's own: what may be passed to an objective in place of a name."""

from __future__ import annotations

import math

import torch

from virgil import poutine
from virgil.infer.density.execution import Call
from virgil.infer.elbo.costs import per_particle
from virgil.infer.elbo.terms import sampled

HEAT = 0.5


def importance_weighted(log_weights):
    """The logarithm of the mean importance weight *(Burda, Grosse and Salakhutdinov 2016, equation 8)*."""
    return log_weights.logsumexp(0) - math.log(len(log_weights))


def tempered(guide, model, unstated):
    """Both log-probabilities of a latent variable, halved."""
    return [term._replace(value=HEAT * term.value) for term in sampled(guide, model, unstated)]


def sticking_the_landing(particles, bound):
    """The path's derivative alone: that of ``log q`` in its parameters, of mean zero, is taken off.

    *(Roeder, Wu and Duvenaud 2017, equation 8)*
    """
    rows = []
    for pair in particles.pairs:
        held = poutine.Trace()
        for name, site in pair.guide.nodes.items():
            if site.is_latent:
                held.nodes[name] = site.replace(value=site.value.detach())
        call = particles.call
        guide = poutine.replay(call.guide, trace=held)
        again = particles.again(Call(call.model, guide, call.args, call.kwargs)).guide
        place = None if particles.dim is None else 0
        rows.append(sum(per_particle(again.nodes[name].log_prob, place) for name in held.nodes))
    log_q = rows[0] if len(rows) == 1 else torch.stack(rows)
    return bound(particles.log_weights() + log_q - log_q.detach())

"""How probable the deep Markov model finds chorales: by many paths of the guide, and step by step."""

from __future__ import annotations

import math

import torch
from torch import Tensor

import virgil.distributions as dist
from virgil import poutine
from virgil.examples.data.chorales import Chorales
from virgil.examples.dmm_model import Guide, Model

__all__ = ["importance_bound", "next_keys", "predict", "predictive"]


@torch.no_grad()
def importance_bound(model: Model, guide: Guide, chorales: Chorales, draws: int = 50) -> float:
    """The bound of many paths, ``log mean exp`` of ``log p(x, z) - log q(z)``, nats a quarter *(Burda et al. 2016)*."""
    weights = torch.stack([_log_weights(model, guide, chorales) for _ in range(draws)])
    return ((weights.logsumexp(0) - math.log(draws)).sum() / chorales.quarters).item()


def _log_weights(model: Model, guide: Guide, chorales: Chorales) -> Tensor:
    drawn = poutine.trace(guide).get_trace(*chorales)
    scored = poutine.trace(poutine.replay(model, trace=drawn)).get_trace(*chorales)
    for each in (drawn, scored):
        each.compute_log_prob()
    joint: Tensor = scored.nodes["z"]["log_prob"] + scored.nodes["notes"]["log_prob"]
    path: Tensor = drawn.nodes["z"]["log_prob"]
    return joint - path


@torch.no_grad()
def next_keys(model: Model, guide: Guide, notes: Tensor, draws: int = 16, onward: int = 16) -> dist.Bernoulli:
    """The keys of each step given the notes before, as a mixture over draws of the state.

    The guide reads each beginning of the chorale as a chorale of that length, so that it knows nothing of what follows;
    from each of its ``draws`` of the last state the model goes ``onward`` times to the next.

    Batch shape: ``(onward * draws, steps, KEYS)``.
    """
    steps, keys = notes.shape
    lengths = torch.arange(steps).repeat(draws)
    z = poutine.trace(guide).get_trace(notes.expand(len(lengths), steps, keys), lengths).nodes["z"]["value"]
    last = z[torch.arange(len(lengths)), (lengths - 1).clamp(min=0)]
    before = torch.where((lengths > 0)[:, None], last, model.transition.first)
    states = model.transition(before).sample((onward,))
    return dist.Bernoulli(logits=model.emitter(states).reshape(onward * draws, steps, keys))


def predict(model: Model, guide: Guide, notes: Tensor) -> Tensor:
    """The probability of each key at each step, given the notes before. Shape: ``(steps, KEYS)``."""
    return next_keys(model, guide, notes).probs.mean(0)


def predictive(model: Model, guide: Guide, chorales: Chorales) -> float:
    """The log-probability of chorales as predicted step by step from the notes before, nats a quarter.

    It is exact for the predictor that draws so many states, which is not the best that the model could do: the guide's
    states stand in for the posterior's.
    """
    total = 0.0
    for notes, length in zip(*chorales, strict=True):
        keys = next_keys(model, guide, notes[:length])
        log_probs = keys.log_prob(notes[:length]).sum(-1)  # (draws, steps)
        total += (log_probs.logsumexp(0) - math.log(len(log_probs))).sum().item()
    return total / chorales.quarters

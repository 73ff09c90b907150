"""Models of chorales whose probability is computed exactly."""

from __future__ import annotations

import torch
from torch import Tensor

import virgil
import virgil.distributions as dist
from virgil.examples.data.chorales import Chorales
from virgil.infer import SVI, Trace_ELBO
from virgil.params import ParamStore

__all__ = ["STATES", "frequencies", "hidden_markov", "transitions"]

STATES = 32  # of the hidden Markov model
_BATCH = 20  # chorales a step


def frequencies(train: Chorales, held_out: Chorales) -> float:
    """Nats a quarter where each key sounds by its own frequency, whatever else does."""
    steps = train.notes[train.played]
    probs = (steps.sum(0) + 0.5) / (len(steps) + 1)
    return _per_quarter(dist.Bernoulli(probs).log_prob(held_out.notes).sum(-1), held_out)


def transitions(train: Chorales, held_out: Chorales) -> float:
    """Nats a quarter where it also depends on whether the same key sounded a quarter before; silence comes first."""
    before, notes = _before(train)[train.played], train.notes[train.played]
    sounding = [(where * notes).sum(0) + 0.5 for where in (1 - before, before)]
    probs = torch.stack([on / (where.sum(0) + 1) for on, where in zip(sounding, (1 - before, before), strict=True)])
    given = _before(held_out)
    fitted = given * probs[1] + (1 - given) * probs[0]
    return _per_quarter(dist.Bernoulli(fitted).log_prob(held_out.notes).sum(-1), held_out)


def hidden_markov(train: Chorales, held_out: Chorales, steps: int) -> float:
    """Nats a quarter of a hidden Markov model with ``STATES`` chords, which are summed out."""

    def model(notes: Tensor, counted: Tensor) -> None:
        start = virgil.param("start", torch.zeros(STATES))
        moves = virgil.param("moves", lambda: torch.randn(STATES, STATES) + 3 * torch.eye(STATES))
        mean = train.notes[train.played].mean(0).clamp(0.005, 0.995)
        keys = virgil.param("keys", lambda: mean.logit() + torch.randn(STATES, len(mean)))
        with virgil.plate("chorales", len(notes), subsample_size=min(_BATCH, len(notes))) as seen:
            notes, counted = notes[seen], counted[seen]
            chords = dist.Bernoulli(logits=keys).mask(counted[:, :, None, None]).to_event(1)
            virgil.sample("notes", dist.DiscreteHMM(start, moves[None], chords), obs=notes)

    def guide(notes: Tensor, counted: Tensor) -> None:
        pass

    optim = virgil.optim.ClippedAdam({"lr": 0.05, "lrd": 0.05 ** (1 / steps)})
    with ParamStore():
        svi = SVI(model, guide, optim, Trace_ELBO())
        svi.run(steps, train.notes, train.played)
        log_probs = [
            -svi.evaluate_loss(each[None], mask[None])
            for each, mask in zip(held_out.notes, held_out.played, strict=True)
        ]
    return sum(log_probs) / held_out.quarters


def _before(chorales: Chorales) -> Tensor:
    return torch.nn.functional.pad(chorales.notes, (0, 0, 1, 0))[:, :-1]


def _per_quarter(log_probs: Tensor, chorales: Chorales) -> float:
    return log_probs[chorales.played].mean().item()

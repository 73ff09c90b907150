"""Bernoulli variables in a plate, with or without others outside it, and the exact variance of their score estimator.

Every program has an outer plate of independent copies, so that one step gives as many draws of the estimator, one in
each row of the gradient of ``q_z``. Shape: ``(copies, slots)``.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch import Tensor

import virgil
import virgil.distributions as dist
from virgil.infer import ELBO

START = 0.3
PULL = 2.0  # of the mean of the slots on a later variable's logit


@dataclass(frozen=True)
class ScoreProgram:
    """A model and a guide of so many copies and slots, by what stands beside the plate of ``z``.

    Attributes:
        before: whether a variable outside the plate, which has nothing to do with it, is stated first.
        after: whether the guide states it last, though the model states it first.
        observed: whether an observation outside the plate reads all slots.
        later: whether a variable of the guide outside the plate reads them.
    """

    before: bool = False
    after: bool = False
    observed: bool = False
    later: bool = False

    def model(self, copies: int, slots: int) -> None:
        with virgil.plate("copies", copies, dim=-2):
            if self.before or self.after:
                virgil.sample("g", dist.Normal(0.0, 1.0))
            with virgil.plate("data", slots, dim=-1):
                z = virgil.sample("z", dist.Bernoulli(0.5))
                virgil.sample("x", dist.Normal(z, 1.0), obs=z.new_ones(copies, slots))
            total = z.sum(-1, keepdim=True)
            if self.observed:
                virgil.sample("t", dist.Normal(total, slots**0.5), obs=z.new_full((copies, 1), slots / 2))
            if self.later:
                w = virgil.sample("w", dist.Bernoulli(0.5))
                virgil.sample("y", dist.Normal(w, 1.0), obs=z.new_ones(copies, 1))

    def guide(self, copies: int, slots: int) -> None:
        with virgil.plate("copies", copies, dim=-2):
            if self.before:
                virgil.sample("g", dist.Normal(virgil.param("q_g", torch.tensor(0.5)), 1.0))
            with virgil.plate("data", slots, dim=-1):
                logits = virgil.param("q_z", torch.full((copies, slots), START))
                z = virgil.sample("z", dist.Bernoulli(logits=logits))
            if self.later:
                virgil.sample("w", dist.Bernoulli(logits=PULL * (z.mean(-1, keepdim=True) - 0.5)))
            if self.after:
                virgil.sample("g", dist.Normal(virgil.param("q_g", torch.tensor(0.5)), 1.0))

    def moments(self, slots: int) -> tuple[float, float]:
        """Mean and variance of the derivative by one slot's logit if its cost is what it can influence, by sums."""
        share = 1 / (1 + math.exp(-START))
        mean = square = 0.0
        for probability, z, cost in self._outcomes(share, slots):
            value = -(z - share) * cost
            mean += probability * value
            square += probability * value**2
        return mean, square - mean**2

    def _outcomes(self, share: float, slots: int) -> Iterator[tuple[float, int, float]]:
        """Probability, value of the slot, and its cost, over the slot's value, the others' sum and the later one's."""
        for z in (0, 1):
            own = math.log(0.5) + _normal(1.0, z, 1.0) - _log_bernoulli(z, share)
            for others in range(slots):
                count = math.lgamma(slots) - math.lgamma(others + 1) - math.lgamma(slots - others)
                log_q = count + others * math.log(share) + (slots - 1 - others) * math.log(1 - share)
                total = z + others
                seen = _normal(slots / 2, total, slots**0.5) if self.observed else 0.0
                base = math.exp(log_q + _log_bernoulli(z, share))
                if not self.later:
                    yield base, z, own + seen
                    continue
                chance = 1 / (1 + math.exp(-PULL * (total / slots - 0.5)))
                for w in (0, 1):
                    log_w = _log_bernoulli(w, chance)
                    yield base * math.exp(log_w), z, own + seen + math.log(0.5) + _normal(1.0, w, 1.0) - log_w


def _normal(value: float, loc: float, scale: float) -> float:
    return -0.5 * ((value - loc) / scale) ** 2 - math.log(scale) - 0.5 * math.log(2 * math.pi)


def _log_bernoulli(value: int, share: float) -> float:
    return math.log(share if value else 1 - share)


PROGRAMS = {
    "the plate alone": ScoreProgram(),
    "global before": ScoreProgram(before=True),
    "global after": ScoreProgram(after=True),
    "observation that reads all slots": ScoreProgram(observed=True),
    "the same, global after": ScoreProgram(observed=True, after=True),
    "later variable that reads all slots": ScoreProgram(later=True),
    "the same, global before": ScoreProgram(later=True, before=True),
}


def gradients(program: ScoreProgram, copies: int, slots: int, elbo: ELBO | None = None) -> Tensor:
    """Independent draws of the estimated derivative of the loss by the slots' logits. Shape: ``(copies, slots)``."""
    with virgil.ParamStore() as store:
        (elbo or ELBO()).loss_and_grads(program.model, program.guide, copies, slots)
        gradient = store.unconstrained("q_z").grad
    assert gradient is not None
    return gradient

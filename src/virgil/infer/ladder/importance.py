"""Rungs of weighted draws: a mixture learns the posterior, and its draws are weighted."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, replace

import torch

from virgil.infer.ladder.answer import Answer
from virgil.infer.ladder.budget import Budget
from virgil.infer.ladder.target import Target
from virgil.infer.ladder.weighed import Errors, Weighed, errors_of_weights
from virgil.infer.trust.verdict import GOOD, Verdict
from virgil.infer.trust.weights import LEAST, Importance, importance
from virgil.ops.population_monte_carlo import Population, evolved, population
from virgil.ops.student_mixture import StudentMixture

__all__ = ["MixtureWeights", "learned", "weigh"]

_COMPONENTS = (4, 16)  # of mixtures that are tried where those of the modes do not do
_LEARNS = 5.0  # draws of a round that count: fewer do not say where the density is
_FEWEST, _MOST = 500, 4000  # draws of a round, which is one execution of the model where it takes so many
_LAST = 4000  # weighted draws that may be taken of any model
_EXECUTIONS = 16  # of the model, in which more than these may be taken
_EXTRA = 8  # times as many draws as are needed, at most, where one execution takes them
_NUMBERS = 20_000_000  # values that an answer keeps at most
_SPARE = 1.5


@dataclass(frozen=True, eq=False)
class MixtureWeights(Importance):
    """Weights of a mixture with tails: its farthest draws have next to no weight, and its log-weights a wide spread."""

    @property
    def is_usable(self) -> bool:
        """True if weighted draws can be relied on, by k-hat."""
        return self.k_hat <= self.threshold


def learned(
    target: Target, mixture: StudentMixture, budget: Budget, generator: torch.Generator
) -> Iterator[Population]:
    """Let a mixture learn the posterior, and then mixtures of more components that are split from the best so far."""
    # numbers of draws follow from the model's size, not from the clock, so that a seed gives the same answer again
    num = max(20 * target.surface.dim, _FEWEST, min(target.chunk, _MOST))
    best = evolved(target.log_density, mixture, num, budget.rounds, generator, lambda: budget.is_open)
    yield best
    for components in _COMPONENTS:
        if best.efficiency < _LEARNS / num or not budget.is_open:
            return
        split = best.mixture.split(best.rows, best.log_weights.softmax(0), components, generator)
        found = evolved(target.log_density, split, 2 * num, budget.rounds, generator, lambda: budget.is_open)
        yield found
        best = max(best, found, key=lambda each: each.efficiency)


def weigh(target: Target, best: Population, budget: Budget, generator: torch.Generator) -> Answer | None:
    """Draw anew from the mixture, as many as the errors ask for, and judge; ``None`` where no draw has a weight."""
    if int(best.log_weights.isfinite().sum()) < LEAST:
        return None
    pilot = _answer(target, best)
    most = min(budget.draws, max(_LAST, _EXECUTIONS * target.chunk), _NUMBERS // max(1, _size(pilot.weighed)))
    heavy = pilot.weights is not None and pilot.weights.k_hat > GOOD
    needed = len(best.rows) * pilot.weighed.errors.wanting * _SPARE * (2 if heavy else 1)
    num = int(max(LEAST, min(most, max(needed, min(_EXTRA * needed, target.chunk)))))
    return _answer(target, population(target.log_density, best.mixture, num, generator))


def _answer(target: Target, drawn: Population) -> Answer:
    found = MixtureWeights(**vars(importance(drawn.log_p, drawn.log_q)))
    values = target.values(drawn.rows)
    errors, effective = errors_of_weights(values, found.log_weights)
    verdict, is_final = _judged(found, errors)
    return Answer(Weighed(values, found.log_weights, errors, effective), found, verdict, is_final)


def _judged(weights: Importance, errors: Errors) -> tuple[Verdict, bool]:
    k_hat, worth = f"k-hat {weights.k_hat:.2f}", f"{weights.effective:,.0f} of {len(weights.log_weights):,} draws"
    if not weights.is_usable:
        sentence = f"Do not trust: {k_hat} of the weighted draws is above {weights.threshold:.2f}."
        return Verdict("nothing", sentence, "Give more time by budget=, or state the model in other variables."), False
    if weights.k_hat > GOOD:  # errors have no variance of their own then
        errors = replace(errors, mean=math.sqrt(2) * errors.mean, spread=math.sqrt(2) * errors.spread)
    figures = f"{k_hat}, the weighted draws are worth {worth}, and {errors.sentence}"
    if errors.means_hold and errors.spreads_hold:
        if weights.k_hat <= GOOD:
            return Verdict("all", f"Trust means, spreads and tails: {figures}."), True
        return Verdict("means and spreads", f"Trust means and spreads: {figures}.", "Tails may be short."), True
    if errors.means_hold:
        return Verdict("means", f"Trust means, not spreads: {figures}.", "Give more time by budget=."), False
    return Verdict("nothing", f"Do not trust yet: {figures}.", "Give more time by budget=."), False


def _size(weighed: Weighed) -> int:
    return sum(value[0].numel() for value in weighed.values.values())

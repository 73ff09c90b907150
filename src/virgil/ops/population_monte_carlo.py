"""Population Monte Carlo: a mixture that learns a density from weighted draws of its own."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from virgil.ops.student_mixture import StudentMixture

__all__ = ["Population", "effective_number", "evolved", "population"]

_GOOD = 0.5  # of the draws that weighted ones are worth: a mixture need not learn more
_LEARNT = 0.05  # of the draws: fewer say little of where the density is
_HALVINGS = 30

LogDensity = Callable[[Tensor], Tensor]


@dataclass(frozen=True, eq=False)
class Population:
    """Draws of a mixture with their densities.

    Attributes:
        mixture: what they are drawn from.
        rows: Shape: ``(num, dim)``.
        log_p: the density that they are to stand for, nats; minus infinity where it is zero. Shape: ``(num,)``.
        log_q: the mixture's, nats.
    """

    mixture: StudentMixture
    rows: Tensor
    log_p: Tensor
    log_q: Tensor

    @property
    def log_weights(self) -> Tensor:
        """``log_p - log_q``, nats. Shape: ``(num,)``."""
        return self.log_p - self.log_q

    @property
    def efficiency(self) -> float:
        """The share of the draws that the weighted ones are worth; 0 where none has a weight."""
        return effective_number(self.log_weights) / len(self.rows)


def population(log_density: LogDensity, mixture: StudentMixture, num: int, generator: torch.Generator) -> Population:
    """Draw from a mixture. ``log_density`` takes rows, ``(num, dim)``, and gives ``(num,)``, nats."""
    rows = mixture.draw(num, generator)
    return Population(mixture, rows, log_density(rows), mixture.log_density(rows))


def evolved(
    log_density: LogDensity,
    mixture: StudentMixture,
    num: int,
    rounds: int,
    generator: torch.Generator,
    go_on: Callable[[], bool] = lambda: True,
) -> Population:
    """Let a mixture learn a density for some rounds, and give the population of its most efficient round.

    A round draws, weighs, and refits the mixture. As long as a few draws have all the weight, weights are taken to a
    power below 1 at which enough draws count *(Koblents and Míguez 2015)*.

    Args:
        log_density: takes rows, ``(num, dim)``, and gives ``(num,)``, nats.
        mixture: to begin with.
        num: draws of a round.
        rounds: at most so many; fewer where half of the draws count.
        generator: of random numbers.
        go_on: asked before each round but the first.
    """
    best = drawn = population(log_density, mixture, num, generator)
    least = max(_LEARNT * num, min(4.0 * mixture.dim, num / 4))
    for _ in range(rounds):
        if drawn.efficiency >= _GOOD or not go_on() or not bool(drawn.log_weights.isfinite().any()):
            break
        mixture = drawn.mixture.refitted(drawn.rows, tempered(drawn.log_weights, least))
        drawn = population(log_density, mixture, num, generator)
        best = max(best, drawn, key=lambda each: each.efficiency)
    return best


def effective_number(log_weights: Tensor) -> float:
    """How many draws of equal weight the weighted ones are worth *(Kong 1992)*; 0 where none has a weight."""
    if not bool(log_weights.isfinite().any()):
        return 0.0
    return 1 / float(log_weights.softmax(0).square().sum())


def tempered(log_weights: Tensor, least: float) -> Tensor:
    """Weights, to the largest power up to 1 at which they are worth ``least`` draws. Shape: ``(num,)``; sum 1."""
    low, high = 0.0, 1.0
    if effective_number(log_weights) >= least:
        return log_weights.softmax(0)
    finite = log_weights.isfinite()
    for _ in range(_HALVINGS):
        middle = (low + high) / 2
        enough = effective_number(torch.where(finite, middle * log_weights, -torch.inf)) >= least
        low, high = (middle, high) if enough else (low, middle)
    return torch.where(finite, low * log_weights, -torch.inf).softmax(0)

"""Timing of contenders in one process, block by block in turn.

A machine's speed drifts with its load and its heat. Blocks of different contenders that follow each other see nearly
the same machine, so the ratio within one round is steadier than either time, and its quartiles say how far to trust it.
"""

from __future__ import annotations

import gc
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from statistics import mean, median, quantiles, stdev

Step = Callable[[], float]


@dataclass(frozen=True)
class Contender:
    """One side of a comparison: ``step`` does the work once and returns its loss."""

    name: str
    step: Step


@dataclass(frozen=True)
class Timing:
    """What one contender's blocks took, in seconds a step, and the losses of each block in order."""

    name: str
    seconds: tuple[float, ...]
    losses: tuple[tuple[float, ...], ...]

    @property
    def median(self) -> float:
        """The median over blocks of the seconds a step."""
        return median(self.seconds)

    def last_loss(self, share: float = 0.25) -> tuple[float, float]:
        """Mean and standard error of the losses in the last ``share`` of the blocks.

        Blocks are the unit of the standard error, since losses within one block may be correlated.
        """
        means = [mean(block) for block in self.losses]
        tail = means[-max(2, round(share * len(means))) :]
        return mean(tail), stdev(tail) / len(tail) ** 0.5


@dataclass(frozen=True)
class Ratio:
    """One contender's time over another's: the ratio of medians, and the quartiles of the ratios by round."""

    value: float
    quartiles: tuple[float, float, float]

    @classmethod
    def of(cls, ours: Timing, peer: Timing) -> Ratio:
        """Compare two timings of one interleaved run."""
        rounds = [a / b for a, b in zip(ours.seconds, peer.seconds, strict=True)]
        lower, middle, upper = quantiles(rounds, n=4)
        return cls(ours.median / peer.median, (lower, middle, upper))


def _block(step: Step, steps: int) -> tuple[float, tuple[float, ...]]:
    # garbage of the contender before is not this one's cost; its own collections are
    gc.collect()
    losses = [0.0] * steps
    begin = time.perf_counter()
    for index in range(steps):
        losses[index] = step()
    return (time.perf_counter() - begin) / steps, tuple(losses)


def interleave(contenders: Sequence[Contender], *, rounds: int, steps: int, warmup: int) -> list[Timing]:
    """Run ``rounds`` rounds, in each of them a block of ``steps`` steps of every contender.

    Every other round runs in reverse order, so that nobody always goes first. ``warmup`` steps of each come before
    and are not counted.
    """
    for contender in contenders:
        for _ in range(warmup):
            contender.step()
    seconds: list[list[float]] = [[] for _ in contenders]
    losses: list[list[tuple[float, ...]]] = [[] for _ in contenders]
    order = list(range(len(contenders)))
    for _ in range(rounds):
        for index in order:
            taken, seen = _block(contenders[index].step, steps)
            seconds[index].append(taken)
            losses[index].append(seen)
        order.reverse()
    return [
        Timing(contender.name, tuple(seconds[index]), tuple(losses[index]))
        for index, contender in enumerate(contenders)
    ]

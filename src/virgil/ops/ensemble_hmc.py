"""Hamiltonian Monte Carlo of many chains at once, which tune one step size and one trajectory length together."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import torch
from torch import Tensor

from virgil.ops.dual_averaging import DualAverages

__all__ = ["Ensemble", "Tuning", "drawn", "started", "warmed_up"]

Gradient = Callable[[Tensor], tuple[Tensor, Tensor]]
"""From rows, ``(chains, dim)``, to log-densities, ``(chains,)``, nats, and their gradients, ``(chains, dim)``."""

_DIVERGENT = 1000.0  # nats of energy error
_MOST = 512  # leapfrog steps of a trajectory
_RATE, _FIRST, _SECOND = 0.05, 0.8, 0.95  # of Adam, for the logarithm of the length
_GOLDEN = (math.sqrt(5) - 1) / 2


@dataclass(frozen=True, eq=False)
class Ensemble:
    """The places of all chains.

    Attributes:
        rows: Shape: ``(chains, dim)``.
        log_p: the density there, nats. Shape: ``(chains,)``.
        slopes: its gradients. Shape: ``(chains, dim)``.
    """

    rows: Tensor
    log_p: Tensor
    slopes: Tensor


@dataclass(frozen=True)
class Tuning:
    """The numbers that all chains share.

    Attributes:
        step_size: of a leapfrog step.
        length: of the longest trajectories; they are uniform up to it.
    """

    step_size: float
    length: float

    def leaps(self, share: float) -> int:
        """How many leapfrog steps a share of the length is."""
        return min(_MOST, max(1, math.ceil(share * self.length / self.step_size)))


@dataclass(frozen=True, eq=False)
class _Move:
    """One transition of all chains.

    Attributes:
        after: where they are.
        accept: each one's probability of having moved. Shape: ``(chains,)``.
        ends: of the trajectories. Shape: ``(chains, dim)``.
        momenta: there. Shape: ``(chains, dim)``.
        divergent: how many trajectories left their level of energy.
    """

    after: Ensemble
    accept: Tensor
    ends: Tensor
    momenta: Tensor
    divergent: int


def started(gradient: Gradient, rows: Tensor) -> Ensemble:
    """The ensemble at some rows."""
    return Ensemble(rows, *gradient(rows))


def warmed_up(
    gradient: Gradient, begun: Ensemble, steps: int, generator: torch.Generator, accept: float = 0.8
) -> tuple[Ensemble, Tuning]:
    r"""Move the chains and tune them: the step size to an acceptance, the length to how far trajectories reach.

    The length follows the gradient of the change in the squared distance from the centre,
    :math:`\tfrac14 \mathrm{E} \bigl(\lVert q' - \mathrm{E} q \rVert^2 - \lVert q - \mathrm{E} q \rVert^2\bigr)^2`
    *(Hoffman, Radul and Sountsov 2021)*.

    Args:
        gradient: of the log-density.
        begun: where the chains begin.
        steps: how many.
        generator: of random numbers.
        accept: the mean acceptance to tune to.
    """
    dim = begun.rows.shape[1]
    first = dim ** (-0.25)
    averages = DualAverages(centre=math.log(10 * first), latest=math.log(first))
    tuning, mean, square = Tuning(first, math.pi / 2), 0.0, 0.0
    for step in range(steps):
        share = _share(step)
        move = _moved(gradient, begun, tuning, share, generator)
        averages = averages.updated(accept - float(move.accept.mean()))
        begun_centre, end_centre = begun.rows.mean(0), _weighted(move.ends, move.accept)
        away, there = begun.rows - begun_centre, move.ends - end_centre
        change = there.square().sum(1) - away.square().sum(1)
        slope = share * change * (there * move.momenta).sum(1)
        finite = slope.isfinite() & (move.accept > 0)
        slopes = torch.where(finite, slope * move.accept, 0.0).sum() / move.accept.sum().clamp_min(1e-12)
        scaled = float(slopes) * tuning.length
        mean, square = _FIRST * mean + (1 - _FIRST) * scaled, _SECOND * square + (1 - _SECOND) * scaled**2
        direction = mean / (1 - _FIRST ** (step + 1)) / (math.sqrt(square / (1 - _SECOND ** (step + 1))) + 1e-12)
        size = math.exp(averages.latest)
        length = min(max(tuning.length * math.exp(_RATE * direction), size), _MOST * size)
        tuning, begun = Tuning(size, length), move.after
    if steps:
        tuning = Tuning(math.exp(averages.average), tuning.length)
    return begun, tuning


def drawn(
    gradient: Gradient, begun: Ensemble, tuning: Tuning, generator: torch.Generator
) -> Iterator[tuple[Ensemble, int]]:
    """Draws of all chains without end, each with the number of trajectories that diverged on the way to it."""
    step = 0
    while True:
        move = _moved(gradient, begun, tuning, _share(step), generator)
        begun, step = move.after, step + 1
        yield begun, move.divergent


def _moved(gradient: Gradient, begun: Ensemble, tuning: Tuning, share: float, generator: torch.Generator) -> _Move:
    """A trajectory of each chain, accepted by its error of energy."""
    size, shape = tuning.step_size, begun.rows.shape
    momenta = torch.randn(shape, generator=generator, dtype=begun.rows.dtype)
    before = begun.log_p - momenta.square().sum(1) / 2
    rows, log_p, slopes = begun.rows, begun.log_p, begun.slopes
    for _ in range(tuning.leaps(share)):
        momenta = momenta + size / 2 * slopes
        rows = rows + size * momenta
        log_p, slopes = gradient(rows)
        momenta = momenta + size / 2 * slopes
    error = before - (log_p - momenta.square().sum(1) / 2)
    error = torch.where(error.isnan(), torch.inf, error)
    accept = (-error).clamp_max(0.0).exp()
    moves = torch.rand(len(rows), generator=generator, dtype=accept.dtype) < accept
    after = Ensemble(
        torch.where(moves.unsqueeze(1), rows, begun.rows),
        torch.where(moves, log_p, begun.log_p),
        torch.where(moves.unsqueeze(1), slopes, begun.slopes),
    )
    return _Move(after, accept, rows, momenta, int((error > _DIVERGENT).sum()))


def _share(step: int) -> float:
    """Shares of the length that fill (0, 1) evenly, without chance."""
    return (0.5 + step * _GOLDEN) % 1.0 or 1.0


def _weighted(rows: Tensor, weights: Tensor) -> Tensor:
    known = (weights > 0) & rows.isfinite().all(1)
    if not bool(known.any()):
        return rows.new_zeros(rows.shape[1])
    return weights[known] @ rows[known] / weights[known].sum()

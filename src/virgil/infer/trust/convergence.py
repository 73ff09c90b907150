"""Convergence of a run: figures in nats and of the parameters' path, and advice where the steps have not arrived."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import islice

import numpy as np
import torch
from torch import Tensor

from virgil.infer.density.draws_at_once import Joint
from virgil.infer.run.origin import Origin
from virgil.infer.run.source import Batch
from virgil.infer.step.arguments import arguments
from virgil.infer.trust.path import Path, path_of
from virgil.infer.trust.stats import array_stats
from virgil.ops.random_state import set_rng_seed
from virgil.optim import zero_grads

__all__ = ["AVERAGED_PER_LATENT", "Convergence", "Estimate", "NOISE_PER_LATENT", "PER_LATENT", "convergence"]

PER_LATENT = 0.02  # nats of drift, which may go on: what a mean that is off by a fifth of a standard deviation costs
NOISE_PER_LATENT = 0.05  # nats of noise: a third of a standard deviation
AVERAGED_PER_LATENT = (
    0.5  # nats of noise behind an average: from a whole standard deviation on it moves the average too
)
_CREEPING = (
    5.0,
    1e-3,
    1.5,
    0.5,
)  # standard errors of drift, nats of it per latent, R-hat, share of entries with a high one
_BEYOND = 6.0  # times the jitter: what no point of a path that has arrived is above its mean by
_DRAWS = 32  # of loss and gradient
_AT_ONCE = 256  # draws of a loss
_DECAYED = 0.1


@dataclass(frozen=True)
class Estimate:
    """A mean over draws and its standard error."""

    value: float
    error: float

    def exceeds(self, bound: float) -> bool:
        """True if it is above a bound, and more than two standard errors above 0."""
        return self.value > max(bound, 2 * self.error)


@dataclass(frozen=True)
class Convergence:
    """The figures of further steps, taken from where a run ended.

    Attributes:
        steps: how many were taken.
        drift: by how much the mean parameters of their second half have a lower loss than those of their first, nats.
        jitter: by how much the loss at a point of the second half exceeds that at the mean of this half, nats: what the
            noise of the steps costs.
        excess: by how much the loss of the fit's own parameters exceeds that at the mean of the second half, nats.
        latents: how many scalar latent variables model and guide share.
        r_hat: the largest split R-hat of a parameter's entry; NaN where none moved.
        r_hat_share: the share of entries whose R-hat is above 1.1.
        mcse: the largest Monte Carlo standard error of an entry's mean over the path, in unconstrained space.
        worst: the parameter that ``r_hat`` is of.
        signal: the norm of the mean gradient, in units of the standard deviation of one draw of it.
        decayed: the learning rate as a part of its first value.
        failed: whether a loss or gradient became NaN or infinite on the way.
        averaged: whether the fit's parameters are an average over steps.
    """

    steps: int
    drift: Estimate
    jitter: Estimate
    excess: Estimate
    latents: int
    r_hat: float
    r_hat_share: float
    mcse: float
    worst: str
    signal: float
    decayed: float
    failed: bool
    averaged: bool

    @property
    def is_under_way(self) -> bool:
        """True if further steps would lower the loss: the path drifts, or has left the fit's parameters far behind."""
        drifts = self.drift.exceeds(self._tolerance(PER_LATENT)) and self.drift.value > self.jitter.value
        left = self.excess.exceeds(self._tolerance(PER_LATENT)) and self.excess.value > _BEYOND * self.jitter.value
        return drifts or left

    @property
    def is_noisy(self) -> bool:
        """True if the noise of the steps raises the loss."""
        left = self.excess.exceeds(self._tolerance(NOISE_PER_LATENT)) and not self.is_under_way
        allowed = AVERAGED_PER_LATENT if self.averaged else NOISE_PER_LATENT
        jitters = self.jitter.exceeds(self._tolerance(allowed))
        return self.failed or left or jitters

    @property
    def creeps(self) -> bool:
        """True if all parameters move one way and the loss falls by a little that is beyond doubt.

        How far the optimum is cannot be seen from a path that creeps; weights tell whether it matters.
        """
        errors, least, r_hat, share = _CREEPING
        falls = self.drift.value > max(errors * self.drift.error, self._tolerance(least))
        return falls and self.r_hat > r_hat and self.r_hat_share > share

    @property
    def advice(self) -> str | None:
        """The step to take next, in words; ``None`` where the run has arrived."""
        if self.is_under_way:
            return "more steps, then a smaller rate" if self.is_noisy else "more steps"
        if self.is_noisy:
            return "a smaller rate"
        held = self.decayed < _DECAYED and 1 < self.signal < math.inf
        return "more steps at a larger rate" if held else None

    def _tolerance(self, per_latent: float) -> float:
        return per_latent * max(1, self.latents)


def convergence(
    origin: Origin, joint: Joint, engine: str, steps: int, averaged: bool, given: bool = False
) -> Convergence:
    """Take further steps from a copy of where a fit ended, and look at them; inside ``origin.present()``.

    Args:
        origin: of the fit.
        joint: its model and guide.
        engine: that took its steps.
        steps: how many to take.
        averaged: whether the fit's parameters are an average.
        given: whether ``joint`` has other arguments than those of the run's last step, on which losses are compared.
    """
    signal = _signal(origin)
    path = path_of(origin, engine, steps)
    nothing = Estimate(0.0, 0.0)
    arrived = not path.failed and all(path.counts) and bool(path.kept)
    drift, jitter, excess = _losses(origin, joint, path, given) if arrived else (nothing, nothing, nothing)
    r_hats, errors = _mixing(path)
    place = int(np.nanargmax(r_hats)) if np.isfinite(r_hats).any() else 0
    return Convergence(
        steps=path.steps,
        drift=drift,
        jitter=jitter,
        excess=excess,
        latents=_latents(joint),
        r_hat=float(r_hats[place]) if len(r_hats) else math.nan,
        r_hat_share=float((r_hats > 1.1).mean()) if len(r_hats) else 0.0,
        mcse=float(errors.max(initial=0.0)),
        worst=path.entries[place][0] if path.entries else "",
        signal=signal,
        decayed=_decayed(origin),
        failed=path.failed,
        averaged=averaged,
    )


def _batches(origin: Origin, count: int) -> list[Batch]:
    given = list(islice(origin.source.more(), count)) or [origin.batch]
    return [given[place % len(given)] for place in range(count)]


def _alike(origin: Origin, batches: list[Batch]) -> list[Batch]:
    """The batches with those of other shapes than the last replaced by it."""
    key = arguments(origin.batch.args, origin.batch.kwargs).key
    return [each if arguments(each.args, each.kwargs).key == key else origin.batch for each in batches]


def _losses(origin: Origin, joint: Joint, path: Path, given: bool) -> tuple[Estimate, Estimate, Estimate]:
    """Drift, jitter and excess, from losses on the same noise and batch at each of the parameters compared."""
    first, second = path.mean(0), path.mean(1)
    seeds = torch.randint(2**62, (_DRAWS,)).tolist()
    drift, jitter, excess = [], [], []
    for number, (seed, batch) in enumerate(zip(seeds, _alike(origin, _batches(origin, _DRAWS)), strict=True)):
        if not origin.source.is_same and not given:
            joint = joint.on(batch.args, batch.kwargs)
        compared = first, second, path.kept[number % len(path.kept)], origin.values
        before, after, present, own = (_loss(origin, joint, each, batch, seed) for each in compared)
        drift.append(before - after)
        jitter.append(present - after)
        excess.append(own - after)
    origin.write(origin.values)
    return _estimate(drift), _estimate(jitter), _estimate(excess)


def _estimate(numbers: list[float]) -> Estimate:
    given = torch.tensor(numbers, dtype=torch.float64)
    return Estimate(float(given.mean()), float(given.std()) / math.sqrt(len(given)))


def _loss(origin: Origin, joint: Joint, values: Mapping[str, Tensor], batch: Batch, seed: int) -> float:
    """The loss, nats: minus the bound over many draws at once where that can be had."""
    origin.write(values)
    set_rng_seed(seed)
    with torch.no_grad():
        if not joint.at_once or origin.problem.objective.evidence_bound is None:
            return float(origin.problem.loss(*batch.args, **batch.kwargs))
        count = min(_AT_ONCE, joint.chunk)
        return -float(joint.log_weights(joint.run(count), count).mean())


def _latents(joint: Joint) -> int:
    """How many scalar latent variables model and guide share."""
    pair = joint.single
    return sum(site.value.numel() for name, site in pair.model.nodes.items() if site.is_latent and name in pair.guide)


def _mixing(path: Path) -> tuple[np.ndarray, np.ndarray]:
    """Split R-hat and Monte Carlo standard error of each entry; NaN and 0 for one that does not move.

    The halves of the path stand for two chains *(Dhaka, Catalina, Andersen, Magnusson, Huggins and Vehtari 2020,
    section 3)*.
    """
    rows = path.rows[: len(path.rows) // 2 * 2].numpy()
    r_hats, errors = np.full(rows.shape[1], math.nan), np.zeros(rows.shape[1])
    moves = np.ptp(rows, 0) > 0 if len(rows) >= 16 else np.zeros(rows.shape[1], bool)
    if moves.any():
        chains = rows[:, moves].T.reshape(int(moves.sum()), 2, -1)
        r_hats[moves], errors[moves] = array_stats().rhat(chains), array_stats().mcse(chains)
    return r_hats, errors


def _signal(origin: Origin) -> float:
    """The norm of the mean gradient over the standard deviation of one draw, with the noise of the mean taken off."""
    sums: dict[str, Tensor] = {}
    squares = 0.0
    for batch in _batches(origin, _DRAWS):
        _, leaves = origin.problem.gradients(batch.args, batch.kwargs)
        for name, leaf in leaves.items():
            if leaf.grad is not None:
                gradient = leaf.grad.double()
                squares += float((gradient**2).sum())
                sums[name] = sums[name] + gradient if name in sums else gradient.clone()
        zero_grads(leaves.values())
    mean = sum(float((each**2).sum()) for each in sums.values()) / _DRAWS**2
    noise = (squares / _DRAWS - mean) * _DRAWS / (_DRAWS - 1)
    if noise <= 1e-12 * mean or noise <= 0:
        return math.inf if mean > 0 else 0.0
    return math.sqrt(max(0.0, mean - noise / _DRAWS) / noise)


def _decayed(origin: Origin) -> float:
    """The present learning rate as a part of the first, for the group in which it is least; 1 without a schedule."""
    optimizer = origin.problem.optim.torch_optimizer
    groups = [] if optimizer is None or origin.problem.scheduler is None else optimizer.param_groups
    parts = [float(group["lr"]) / float(group["initial_lr"]) for group in groups if group.get("initial_lr")]
    return min(parts, default=1.0)

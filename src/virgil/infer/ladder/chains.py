"""The rung of Markov chains: many at once, in variables in which the posterior is nearly round."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import islice

import torch
from torch import Tensor

from virgil.infer.approximation.mean_field import fit_mean_field, fixed_noise
from virgil.infer.density.compiled_density import CompiledDensity
from virgil.infer.ladder.answer import Answer
from virgil.infer.ladder.budget import Budget
from virgil.infer.ladder.target import Target
from virgil.infer.ladder.weighed import Errors, Weighed, errors_of_chains
from virgil.infer.trust.stats import array_stats
from virgil.infer.trust.verdict import Verdict
from virgil.ops.ensemble_hmc import Ensemble, drawn, started, warmed_up
from virgil.ops.population_monte_carlo import Population, tempered

__all__ = ["Begun", "drawn_by_chains"]

_CHAINS = 64
_FIRST = 50  # draws of a chain, before they are looked at; then as many again, and so on
_R_HAT = 1.01  # Vehtari, Gelman, Simpson, Carpenter and Bürkner 2021, section 2
_DIVERGED = 1e-3  # share of the draws
_ACCEPTS = (0.95, 0.99)  # what steps are adapted to: the second where steps of the first diverge
_MEAN_FIELD = 16  # fixed draws of a mean field that chains begin at
_LEARNT = 0.05  # of the mixture's draws, for the variables' matrix


@dataclass(frozen=True, eq=False)
class Begun:
    """Where chains begin, and the variables in which they move.

    Attributes:
        rows: vectors of the posterior. Shape: ``(chains, dim)``.
        centre: Shape: ``(dim,)``.
        factor: of a covariance, lower triangular, ``(dim, dim)``; or standard deviations, ``(dim,)``.
    """

    rows: Tensor
    centre: Tensor
    factor: Tensor

    @classmethod
    def at_draws(cls, best: Population, generator: torch.Generator) -> Begun:
        """At weighted draws of a mixture, in variables that their covariance makes round."""
        weights = tempered(best.log_weights, max(4.0 * best.mixture.dim, _LEARNT * len(best.rows)))
        places = torch.multinomial(weights, _CHAINS, replacement=True, generator=generator)
        return cls(best.rows[places], *_moments(best, weights))

    @classmethod
    def at_mean_field(cls, target: Target, starts: Tensor, generator: torch.Generator, seed: int) -> Begun:
        """At draws of the best mean-field normal, in its own units."""
        found = fit_mean_field(target.surface, fixed_noise(_MEAN_FIELD, target.surface.dim, seed), starts)
        noise = torch.randn(_CHAINS, target.surface.dim, generator=generator, dtype=torch.float64)
        return cls(found.loc + found.scale * noise, found.loc, found.scale)


class _Round:
    """The log-density in variables ``u``, of which ``centre + factor @ u`` are the posterior's."""

    def __init__(self, target: Target, engine: str, begun: Begun) -> None:
        self._surface, self._begun = target.surface, begun
        self._density = CompiledDensity(target.surface.density, engine)

    def gradient(self, rows: Tensor) -> tuple[Tensor, Tensor]:
        """Log-densities and gradients. Shapes: ``(chains, dim)`` to ``(chains,)`` and ``(chains, dim)``."""
        self._surface.counts["gradients"] += len(rows)
        values, slopes = self._density.gradient(self.placed(rows).to(self._density.density.dtype))
        known = values.isfinite() & slopes.isfinite().all(1)
        slopes = torch.where(known.unsqueeze(1), slopes.double(), 0.0)
        factor = self._begun.factor
        moved = slopes * factor if factor.dim() == 1 else slopes @ factor
        return torch.where(known, values.double(), -torch.inf), moved

    def placed(self, rows: Tensor) -> Tensor:
        """The posterior's vectors. Shape: ``(*, dim)``."""
        factor = self._begun.factor
        return self._begun.centre + (rows * factor if factor.dim() == 1 else rows @ factor.mT)

    def round(self, rows: Tensor) -> Tensor:
        """The variables of the posterior's vectors. Shape: ``(*, dim)``."""
        factor, away = self._begun.factor, rows - self._begun.centre
        return away / factor if factor.dim() == 1 else torch.linalg.solve_triangular(factor, away.mT, upper=False).mT


def drawn_by_chains(target: Target, begun: Begun, budget: Budget, engine: str, generator: torch.Generator) -> Answer:
    """Draw chains until their errors hold or the budget ends."""
    space = _Round(target, engine, begun)
    first = started(space.gradient, space.round(begun.rows))
    for accept in _ACCEPTS:
        moved, tuning = warmed_up(space.gradient, first, budget.warmup, generator, accept)
        answer, divergences = _drawn(target, space, drawn(space.gradient, moved, tuning, generator), budget)
        if answer.is_final or not budget.is_open or not divergences:
            break
    return answer


def _drawn(target: Target, space: _Round, draws: Iterator[tuple[Ensemble, int]], budget: Budget) -> tuple[Answer, int]:
    rows: list[Tensor] = []
    divergences = 0
    while True:
        for ensemble, divergent in islice(draws, max(_FIRST, len(rows))):
            rows.append(ensemble.rows)
            divergences += divergent
        found = torch.stack(rows, 1)
        values = target.values(space.placed(found.flatten(0, 1)))
        by_chain = {name: value.reshape(*found.shape[:2], *value.shape[1:]) for name, value in values.items()}
        errors, effective = errors_of_chains(by_chain)
        verdict, is_final = _judged(by_chain, errors, divergences)
        if is_final or not budget.is_open or 2 * len(rows) > budget.chain_draws:
            num = found.shape[0] * found.shape[1]
            even = torch.full((num,), -math.log(num), dtype=torch.float64)
            return Answer(Weighed(values, even, errors, effective), None, verdict, is_final), divergences


def _judged(values: Mapping[str, Tensor], errors: Errors, divergences: int) -> tuple[Verdict, bool]:
    chains, draws = next(iter(values.values())).shape[:2]
    apart, where = _r_hat(values)
    figures = f"{chains} chains of {draws:,} draws, R-hat {apart:.3f} ({where!r}), {divergences} divergences"
    if divergences > _DIVERGED * chains * draws:
        advice = "State variables with latent scales by poutine.reparam with LocScaleReparam."
        return Verdict("nothing", f"Do not trust: {figures}: the draws may leave out a part.", advice), False
    if not apart <= _R_HAT:
        return Verdict("nothing", f"Do not trust: {figures}: the chains have not settled.", "Give more time."), False
    if errors.means_hold and errors.spreads_hold:
        return Verdict("all", f"Trust means, spreads and tails: {figures}, and {errors.sentence}."), True
    if errors.means_hold:
        return Verdict(
            "means", f"Trust means, not spreads: {figures}, and {errors.sentence}.", "Give more time."
        ), False
    return Verdict("nothing", f"Do not trust yet: {figures}, and {errors.sentence}.", "Give more time."), False


def _r_hat(values: Mapping[str, Tensor]) -> tuple[float, str]:
    """The largest R-hat of all entries that vary, and whose it is."""
    found = {}
    for name, value in values.items():
        rows = value.detach().double().reshape(*value.shape[:2], -1).cpu()
        rows = rows[..., rows.std((0, 1)) > 0]
        if rows.shape[2]:
            each = torch.as_tensor(array_stats().rhat(rows.numpy(), chain_axis=0, draw_axis=1))
            found[name] = math.inf if bool(each.isnan().any()) else float(each.max())
    where = max(found, key=lambda name: found[name])
    return found[where], where


def _moments(best: Population, weights: Tensor) -> tuple[Tensor, Tensor]:
    """Mean of the weighted draws and a factor of their covariance, drawn towards that of the mixture's component."""
    dim = best.mixture.dim
    centre = weights @ best.rows
    away, worth = best.rows - centre, 1 / weights.square().sum()
    widest = best.mixture.scale_trils[int(best.mixture.shares.argmax())]
    matrix = (worth * (away * weights.unsqueeze(1)).mT @ away + dim * widest @ widest.mT) / (worth + dim)
    factor, failed = torch.linalg.cholesky_ex(matrix)
    return centre, widest if int(failed) else factor

"""``Check``: how far to trust a fit, with the figures behind it."""

from __future__ import annotations

import math
import time
from dataclasses import dataclass
from os import PathLike
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from virgil.errors import ArgumentError, shown
from virgil.infer.density.draws_at_once import Joint
from virgil.infer.plots.check import plot_check
from virgil.infer.run.origin import Origin
from virgil.infer.run.outcome import Outcome
from virgil.infer.trust.calibration import Calibration, calibrate
from virgil.infer.trust.convergence import Convergence, convergence
from virgil.infer.trust.draws import Arguments, Draws, changes, joint, origin_of_fit, take
from virgil.infer.trust.effort import Effort, effort_of
from virgil.infer.trust.figures import Figures
from virgil.infer.trust.modes import Search, search
from virgil.infer.trust.moments import moments
from virgil.infer.trust.sites import SiteShape, site_shapes
from virgil.infer.trust.table import summary
from virgil.infer.trust.verdict import GOOD, SiteCheck, given_points, verdict_of, wanting
from virgil.infer.trust.weights import LEAST, Importance, importance, magnitude_of, resampled, tied

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["Check", "check_fit"]

_MORE = 8  # times as many draws as at first, at most, where errors ask for them
_CALIBRATED = 1000  # steps of a fit to simulated data


@dataclass(frozen=True, eq=False)
class Check(Figures):
    """How far to trust a fit: a verdict, the figures behind it, and what can be made of them.

    Attributes: those of :class:`Figures`.
    """

    @property
    def k_hat(self) -> float:
        """The Pareto shape of the weights; NaN without weights."""
        return math.nan if self.weights is None else self.weights.k_hat

    def draws(self, num: int = 1000) -> dict[str, Tensor]:
        """Draws of the posterior: the guide's, resampled with replacement by their smoothed weights.

        Returns:
            By latent site. Shape: ``(num, *shape of the site)``.

        Raises:
            ArgumentError: there are no weights, or k-hat is above its threshold.
        """
        if self.weights is None:
            raise ArgumentError(f"There are no weighted draws: {self.obstacle}.")
        if not self.weights.is_usable:
            raise ArgumentError(
                f"Weighted draws are no better than the guide's: k-hat {self.weights.k_hat:.2f} is above "
                f"{self.weights.threshold:.2f}, so that a few draws have all the weight. {self.verdict.advice}".strip()
            )
        return resampled(self._values, self.weights.log_weights, num)

    def plot(self, filename: str | PathLike[str] | None = None) -> Figure:
        """Draw k-hat of the guide, and of each site given all others, against its thresholds; needs the extra ``plot``.

        Args:
            filename: where to save the picture, if anywhere.

        Raises:
            ArgumentError: there are no weights, or matplotlib is not installed.
        """
        if self.weights is None:
            raise ArgumentError(f"There is no k-hat to draw: {self.obstacle}.")
        rows = [("all sites together", self.weights.k_hat, self.weights.threshold)]
        for site in self.sites:
            if site.shape is not None:
                slot = f"[{', '.join(map(str, site.shape.slot))}], the worst slot" if site.shape.slot else ""
                rows.append((site.name + slot, site.shape.k_hat, site.shape.threshold))
        return plot_check(rows, GOOD, filename)

    def summary(self) -> str:
        """A table for the terminal: the verdict, weights, evidence, convergence, and a row a site."""
        return summary(self)

    def to_dict(self) -> dict[str, Any]:
        """The figures as plain numbers, texts, lists and dicts, for programs."""
        return {
            "verdict": str(self.verdict),
            "trusts": self.verdict.trusts,
            "advice": self.verdict.advice,
            "weights": _weights_dict(self.weights),
            "obstacle": self.obstacle,
            "sites": {site.name: _site_dict(site) for site in self.sites},
            "missed_modes": [
                {"share": mode.share, "values": {name: value.tolist() for name, value in mode.values.items()}}
                for mode in self.modes.missed
            ],
            "modes_not_searched": self.modes.reason,
            "convergence": _convergence_dict(self.convergence),
            "calibration": _calibration_dict(self.calibration),
            "notes": list(self.notes),
        }

    def __str__(self) -> str:
        return str(self.verdict)

    def __repr__(self) -> str:
        return f"Check({str(self.verdict)!r})"


def check_fit(
    fit: Outcome,
    given: Arguments | None,
    draws: int | None,
    steps: int | None,
    modes: bool,
    calibration: int,
    seconds: float | None = None,
) -> Check:
    """Check a fit; the arguments are those of ``Fit.check``."""
    effort = effort_of(fit, seconds)
    _refuse(fit, draws, steps, calibration)
    steps = effort.steps(fit) if steps is None else steps
    origin = origin_of_fit(fit)
    notes = changes(origin)
    with origin.present():
        with torch.no_grad():
            at = joint(origin, given)
            with effort.shown("draws"):
                drawn = _drawn(origin, at, draws, given is not None, effort)
            taken, weights, sites = drawn.taken, drawn.weights, drawn.sites
            with effort.shown("other modes"):
                searched = _search(at, taken, weights, modes, drawn.obstacle)
        with effort.shown("further steps"):
            arrived = convergence(origin, at, fit.engine, steps, fit.averaged > 0, given is not None) if steps else None
        length = min(fit.num_steps, _CALIBRATED)
        calibrated = calibrate(origin, fit.engine, calibration, length) if calibration else None
    verdict = verdict_of(weights, drawn.obstacle, sites, searched, arrived, calibrated)
    if taken.points and weights is not None:
        verdict = given_points(verdict, taken.points)
    notes += taken.notes
    return Check(verdict, weights, drawn.obstacle, sites, searched, arrived, calibrated, notes, taken.values)


def _refuse(fit: Outcome, draws: int | None, steps: int | None, calibration: int) -> None:
    if fit.evaluations is not None and (steps or calibration):
        raise ArgumentError(
            "check() got steps= or calibration= for a deterministic approximation, which has no further steps to take: "
            "it ended where its own loss is least. Leave both away."
        )
    if steps is not None and (not isinstance(steps, int) or steps < 0):
        raise ArgumentError(f"check() got steps={shown(steps)}; it takes a number of steps, 0 for none.")
    if draws is not None and (not isinstance(draws, int) or draws < LEAST):
        raise ArgumentError(f"check() got draws={shown(draws)}; it takes a whole number, {LEAST} or more.")


@dataclass(frozen=True, eq=False)
class _Drawn:
    """Draws, and what their weights say."""

    taken: Draws
    obstacle: str | None
    weights: Importance | None
    sites: tuple[SiteCheck, ...]


def _drawn(origin: Origin, at: Joint, draws: int | None, is_given: bool, effort: Effort) -> _Drawn:
    """Draw; more where weights are usable and their errors ask for it, unless the number is given."""
    num, begin = draws or effort.draws(at), time.perf_counter()
    found = _weighed(at, take(origin, at, num, is_given))
    weights = found.weights
    if draws is not None or not at.at_once or weights is None or not weights.is_usable:
        return found
    settled = all(site.mean_holds and site.spread_holds for site in found.sites)
    times = wanting(found.sites)
    if settled or not 1 < times < _MORE:
        return found
    more = effort.more(min(_MORE, 1.5 * times) * num, num, time.perf_counter() - begin)
    return found if more <= num else _weighed(at, take(origin, at, more, is_given))


def _weighed(at: Joint, taken: Draws) -> _Drawn:
    obstacle = taken.obstacle or _tie(taken)
    weights = importance(taken.log_p, taken.log_q) if obstacle is None else None
    return _Drawn(taken, obstacle, weights, _sites(at, taken, weights))


def _sites(at: Joint, taken: Draws, weights: Importance | None) -> tuple[SiteCheck, ...]:
    shapes: dict[str, SiteShape] = {} if weights is None else site_shapes(at)
    return tuple(
        SiteCheck(name, shapes.get(name), None if weights is None else moments(values, weights.log_weights))
        for name, values in {**taken.values, **taken.derived}.items()
    )


def _tie(taken: Draws) -> str | None:
    """Why there is no tail to fit, if discrete variables have given too many draws the same weight."""
    if bool(tied(taken.log_weights, magnitude_of(taken.log_p))):
        return "discrete variables give so many draws the same weight that the weights' tail has no shape to fit"
    return None


def _search(at: Joint, taken: Draws, weights: Importance | None, modes: bool, obstacle: str | None) -> Search:
    if not modes:
        return Search((), "not asked for")
    if weights is None:
        return Search((), obstacle)
    if taken.points:
        return Search((), "the guide is a point at some sites")
    return search(at, taken, weights.evidence)


def _weights_dict(weights: Importance | None) -> dict[str, float | bool] | None:
    if weights is None:
        return None
    names = ["k_hat", "threshold", "is_usable", "evidence", "evidence_error", "elbo", "elbo_error", "gap", "effective"]
    return {"num": len(weights.log_weights), **{name: getattr(weights, name) for name in names}}


def _site_dict(site: SiteCheck) -> dict[str, Any]:
    shape, moved = site.shape, site.moments
    return {
        "k_hat": None if shape is None else shape.k_hat,
        "slot": None if shape is None else list(shape.slot),
        "threshold": None if shape is None else shape.threshold,
        **({} if moved is None else vars(moved)),
    }


def _convergence_dict(found: Convergence | None) -> dict[str, Any] | None:
    if found is None:
        return None
    figures = {name: vars(each) if hasattr(each, "exceeds") else each for name, each in vars(found).items()}
    return {**figures, "advice": found.advice}


def _calibration_dict(found: Calibration | None) -> dict[str, Any] | None:
    if found is None:
        return None
    sites = {site.name: {name: each for name, each in vars(site).items() if name != "name"} for site in found.sites}
    return {"num": found.num, "failed": found.failed, "sites": sites, "biased": list(found.biased)}

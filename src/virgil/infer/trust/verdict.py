"""The rules by which the figures of a check become a sentence."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

from virgil.infer.trust.calibration import Calibration
from virgil.infer.trust.convergence import Convergence
from virgil.infer.trust.modes import Search
from virgil.infer.trust.sites import SiteShape
from virgil.infer.trust.weights import Importance, Moments

__all__ = ["ERRORS", "GOOD", "MEANS", "SPREADS", "SiteCheck", "Verdict", "given_points", "verdict_of"]

GOOD = 0.5  # a shape under which weights have a variance
MEANS = 0.1  # standard deviations that a mean may be off by
SPREADS = 0.1  # share that a standard deviation may be off by
ERRORS = 3.0  # standard errors of weighted draws that have to fit into these


@dataclass(frozen=True)
class SiteCheck:
    """The figures of one latent site.

    Attributes:
        name: the site's.
        shape: of its weights given all other sites; ``None`` where the guide draws all at once.
        moments: how far weights move mean and standard deviation; ``None`` without weights.
    """

    name: str
    shape: SiteShape | None
    moments: Moments | None

    @property
    def is_at_fault(self) -> bool:
        """True if its own factor of the guide does not fit."""
        return self.shape is not None and self.shape.k_hat > self.shape.threshold

    @property
    def mean_holds(self) -> bool:
        """True if the mean is near that of the weighted draws, a standard error allowed for."""
        moved = self.moments
        return moved is None or abs(moved.shift) + moved.shift_error <= MEANS

    @property
    def spread_holds(self) -> bool:
        """True if the standard deviation is near that of the weighted draws, a standard error allowed for."""
        moved = self.moments
        return moved is None or abs(math.log(moved.ratio)) + moved.ratio_error / moved.ratio <= math.log1p(SPREADS)

    @property
    def weighted_holds(self) -> bool:
        """True if the weighted draws themselves are many enough for means and standard deviations."""
        moved = self.moments
        return moved is None or (ERRORS * moved.mean_error <= MEANS and ERRORS * moved.sd_error <= SPREADS)


@dataclass(frozen=True)
class Verdict:
    """A judgement.

    Attributes:
        trusts: what may be trusted: ``"all"``, ``"means and spreads"``, ``"weighted draws"``, ``"means"``,
            ``"nothing"``; ``"unknown"`` where nothing can be said, ``"later"`` where the run has not arrived.
        sentence: with the figures behind it.
        advice: what helps; empty where nothing is needed.
    """

    trusts: str
    sentence: str
    advice: str = ""

    def __str__(self) -> str:
        return f"{self.sentence} {self.advice}".strip()


def verdict_of(
    weights: Importance | None,
    obstacle: str | None,
    sites: Sequence[SiteCheck],
    modes: Search,
    convergence: Convergence | None,
    calibration: Calibration | None,
) -> Verdict:
    """Judge: first whether the run has arrived, then whether the guide misses modes, then by its weights."""
    if convergence is not None and convergence.advice is not None:
        return _not_arrived(convergence)
    if modes.missed:
        return _misses(modes)
    if calibration is not None and calibration.biased:
        names = ", ".join(map(repr, calibration.biased))
        return Verdict("nothing", f"Do not trust the means: calibration finds {names} off to one side.", _RICHER)
    if weights is None:
        return Verdict("unknown", f"Nothing is said about the guide: {obstacle}.")
    if weights.is_usable:
        verdict = _usable(weights, sites)
        if calibration is None or not calibration.misfitting:
            return verdict
        names = ", ".join(map(repr, calibration.misfitting))
        other = f"For other data of the model the same settings leave {names} out of calibration."
        return replace(verdict, advice=f"{verdict.advice} {other}".strip())
    return _unusable(weights, sites, calibration)


def given_points(verdict: Verdict, points: Sequence[str]) -> Verdict:
    """The verdict where the guide is a point at some sites."""
    names = ", ".join(map(repr, points))
    return replace(
        verdict, sentence=f"Given the point values of {names}, whose uncertainty is left out: {verdict.sentence}"
    )


_SPARE = 1.5
_RICHER = "A richer guide helps, or another parameterisation of the model."
_DEPENDENCE = "No single site is at fault: the guide lacks dependence between them, as AutoMultivariateNormal has it."


def _not_arrived(convergence: Convergence) -> Verdict:
    if convergence.failed:
        found = f"further steps end in NaN or infinity after {convergence.steps}"
    elif convergence.is_under_way:
        gain = max(convergence.drift.value, convergence.excess.value)
        found = f"{convergence.steps} further steps lower the loss by {_nats(gain)}"
    elif convergence.is_noisy:
        cost = max(convergence.jitter.value, convergence.excess.value)
        found = f"the noise of its steps costs {_nats(cost)}"
    else:
        found = (
            f"the learning rate has fallen to {convergence.decayed:.1g} of its first, while the gradient is "
            f"{convergence.signal:.1f} times its noise"
        )
    advice = {
        "more steps": "Take more steps.",
        "a smaller rate": "Take a smaller learning rate, one that falls, or run(..., average=...).",
        "more steps, then a smaller rate": "Take more steps, then a smaller learning rate or run(..., average=...).",
        "more steps at a larger rate": "Let the rate fall later.",
    }[convergence.advice or "more steps"]
    return Verdict(
        "later", f"The run has not arrived: {found}. The figures of the guide are not its last word.", advice
    )


def _nats(number: float) -> str:
    return f"{number:,.0f} nats" if number >= 10 else f"{number:.2g} nats"


def _misses(modes: Search) -> Verdict:
    mode = modes.missed[0]
    name, value = next(iter(mode.values.items()))
    at = (
        f"{value.item():.3g}" if value.numel() == 1 else f"({', '.join(f'{each:.3g}' for each in value.flatten()[:3])})"
    )
    others = f", and {len(modes.missed) - 1} more" if len(modes.missed) > 1 else ""
    return Verdict(
        "nothing",
        f"Do not trust: about {mode.share:.0%} of the posterior is at a mode that the guide never visits, near "
        f"{name} = {at}{others}.",
        "Break the symmetry by the prior, state the cause of the modes as a variable, or use a guide with several.",
    )


def _usable(weights: Importance, sites: Sequence[SiteCheck]) -> Verdict:
    k_hat = f"k-hat {weights.k_hat:.2f}"
    means, spreads = all(site.mean_holds for site in sites), all(site.spread_holds for site in sites)
    if means and spreads and weights.k_hat <= GOOD:
        return Verdict("all", f"Trust means, spreads and tails: {k_hat}, at most {GOOD}.")
    if means and spreads:
        return Verdict(
            "means and spreads",
            f"Trust means and spreads: {k_hat}, between {GOOD} and {weights.threshold:.2f}.",
            "Take tails and the evidence from check.draws().",
        )
    off = ", ".join(repr(site.name) for site in sites if not (site.mean_holds and site.spread_holds))
    moved = f"{k_hat}, at most {weights.threshold:.2f}, and weights move {'spreads' if means else 'means'} of {off}"
    if all(site.weighted_holds for site in sites):
        return Verdict("weighted draws", f"Trust check.draws(), not the guide's own: {moved}.")
    few = f"the weighted draws are worth {weights.effective:,.0f}, which are too few for {_least_known(sites)}"
    advice = f"Take more, by check(draws={_more(weights, sites):_}), or fit a richer guide."
    if means:
        return Verdict("means", f"Trust means, not spreads: {moved}; {few}.", advice)
    return Verdict("nothing", f"Do not trust yet: {moved}; {few}.", advice)


def _wanting(site: SiteCheck) -> float:
    """How many times as many draws the weighted ones of a site would have to be."""
    moved = site.moments
    return 0.0 if moved is None else max(ERRORS * moved.mean_error / MEANS, ERRORS * moved.sd_error / SPREADS) ** 2


def _least_known(sites: Sequence[SiteCheck]) -> str:
    return repr(max(sites, key=_wanting).name)


def _more(weights: Importance, sites: Sequence[SiteCheck]) -> int:
    """Draws that would do, to two digits."""
    wanted = len(weights.log_weights) * max(map(_wanting, sites)) * _SPARE
    digits = int(10 ** max(0, math.floor(math.log10(wanted)) - 1))
    return math.ceil(wanted / digits) * digits


def _unusable(weights: Importance, sites: Sequence[SiteCheck], calibration: Calibration | None) -> Verdict:
    figures = f"k-hat {weights.k_hat:.2f} is above {weights.threshold:.2f}"
    faults = [site.name for site in sites if site.is_at_fault]
    if faults:
        advice = f"The guide's factor of {', '.join(map(repr, faults))} does not fit even given the others. {_RICHER}"
    elif any(site.shape is not None for site in sites):
        advice = _DEPENDENCE
    else:
        advice = _RICHER
    if calibration is not None:
        return Verdict("means", f"Trust means, not tails: {figures}, and calibration finds no mean off.", advice)
    if weights.k_hat < 1 and all(site.mean_holds for site in sites):
        shift = max((abs(site.moments.shift) for site in sites if site.moments is not None), default=0.0)
        return Verdict(
            "means",
            f"Trust means, not tails: {figures}, and as far as weights can tell means are off by {shift:.2g} standard "
            "deviations at most.",
            advice,
        )
    return Verdict("nothing", f"Do not trust: {figures}.", advice)

"""The rules by which the figures of a check become a sentence."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

from virgil.infer.trust.calibration import Calibration
from virgil.infer.trust.convergence import Convergence
from virgil.infer.trust.modes import Search
from virgil.infer.trust.moments import Moments
from virgil.infer.trust.sites import SiteShape
from virgil.infer.trust.weights import Importance

__all__ = ["ERRORS", "GOOD", "MEANS", "SPREADS", "SiteCheck", "Verdict", "given_points", "verdict_of", "wanting"]

GOOD = 0.5  # a shape under which weights have a variance
MEANS = 0.1  # standard deviations that a mean may be off by: an interval of 95 % then still holds 94.9 %
SPREADS = 0.1  # share that a standard deviation may be off by: an interval of 95 % then holds 92 % to 97 %
ERRORS = 3.0  # standard errors of the weighted draws that have to fit into these bounds, one in 370 is beyond
_LIKE = 0.99  # of the draws that weighted ones are worth: the guide's own tails then decide nothing
_DEPENDENT = 0.2  # difference of a correlation under the guide and under the weights


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
        """True if the guide's means are within the bound of the weighted ones, for all that these draws know."""
        return self.moments is None or self.moments.farthest <= MEANS

    @property
    def spread_holds(self) -> bool:
        """True if the guide's standard deviations are, likewise."""
        moments = self.moments
        return moments is None or (moments.narrowest >= 1 - SPREADS and moments.widest <= 1 + SPREADS)


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
    if convergence is not None and convergence.creeps:
        return _not_arrived(convergence)
    return _unusable(weights, sites, calibration)


def given_points(verdict: Verdict, points: Sequence[str]) -> Verdict:
    """The verdict where the guide is a point at some sites."""
    names = ", ".join(map(repr, points))
    return replace(
        verdict, sentence=f"Given the point values of {names}, whose uncertainty is left out: {verdict.sentence}"
    )


_RICHER = "A richer guide helps, or another parameterisation of the model."
_DEPENDENCE = "No single site is at fault: the guide lacks dependence between them, as AutoMultivariateNormal has it."


def _not_arrived(convergence: Convergence) -> Verdict:
    if convergence.failed:
        found = f"further steps end in NaN or infinity after {convergence.steps}"
    elif convergence.is_under_way:
        gain = max(convergence.drift.value, convergence.excess.value)
        found = f"{convergence.steps} further steps lower the loss by {_nats(gain)}"
    elif convergence.creeps and convergence.advice is None:
        found = (
            f"{convergence.steps} further steps lower the loss by {_nats(convergence.drift.value)}, little but without "
            "end in sight, and its weights do not fit"
        )
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


def wanting(sites: Sequence[SiteCheck]) -> float:
    """How many times as many draws would make the weighted means and standard deviations near enough to be trusted."""
    found = [site.moments for site in sites if site.moments is not None]
    worst = max((max(each.mean_error / MEANS, each.sd_error / SPREADS) for each in found), default=0.0)
    return (ERRORS * worst) ** 2


def _tail(weights: Importance, sites: Sequence[SiteCheck]) -> float:
    """The largest Pareto shape, of the weights and of the weights times squared distances."""
    return max([weights.k_hat, *(site.moments.k_hat for site in sites if site.moments is not None)])


def _usable(weights: Importance, sites: Sequence[SiteCheck]) -> Verdict:
    k_hat, tail = f"k-hat {weights.k_hat:.2f}", _tail(weights, sites)
    means, spreads = all(site.mean_holds for site in sites), all(site.spread_holds for site in sites)
    known = tail <= weights.threshold or weights.effective >= _LIKE * len(weights.log_weights)
    if means and spreads and known:
        if weights.k_hat <= GOOD:
            return Verdict("all", f"Trust means, spreads and tails: {k_hat}, at most {GOOD}.")
        return Verdict(
            "means and spreads",
            f"Trust means and spreads: {k_hat}, between {GOOD} and {weights.threshold:.2f}.",
            "Take tails and the evidence from check.draws().",
        )
    off = ", ".join(repr(site.name) for site in sites if not (site.mean_holds and site.spread_holds))
    advice = _inside(weights, sites)
    if tail <= GOOD and wanting(sites) <= 1:  # beyond, what is averaged has no variance, and its error no bound
        what = "spreads" if means else "means"
        return Verdict(
            "weighted draws",
            f"Trust check.draws(), not the guide's own: {k_hat}, at most {weights.threshold:.2f}, and weights move "
            f"{what} of {off or 'no site'}.",
            advice,
        )
    if tail <= GOOD:
        num = math.ceil(1.5 * wanting(sites) * len(weights.log_weights) / 1000) * 1000
        advice = f"Take more, by check(draws={num:_}). {advice}".strip()
    if means:
        return Verdict(
            "means", f"Trust means, not spreads: {k_hat}, and these draws do not know all spreads to 10 %.", advice
        )
    if tail > GOOD:
        figures = f"{k_hat} is usable, but weights times squared distances have k-hat {tail:.2f}"
    else:
        figures = f"{k_hat} is usable, but the weighted draws are worth {weights.effective:,.0f}"
    sentence = f"Do not trust: {figures}, too few for means to {MEANS} standard deviations and spreads to 10 %."
    return Verdict("nothing", sentence, advice or _RICHER)


def _inside(weights: Importance, sites: Sequence[SiteCheck]) -> str:
    """Advice where entries of one site depend on each other as the guide has it not; empty where none do."""
    noticed = _DEPENDENT + ERRORS / math.sqrt(weights.effective)  # correlations have about this standard error
    names = [
        site.name
        for site in sites
        if not (site.shape and site.shape.slot) and site.moments is not None and site.moments.dependence > noticed
    ]
    if not names:
        return ""
    entries = ", ".join(map(repr, names))
    return f"The guide lacks dependence between entries of {entries}, as AutoMultivariateNormal has it."


def _unusable(weights: Importance, sites: Sequence[SiteCheck], calibration: Calibration | None) -> Verdict:
    figures = f"k-hat {weights.k_hat:.2f} is above {weights.threshold:.2f}"
    if weights.k_hat <= weights.threshold:
        figures = f"log-weights are spread over {weights.spread:,.0f} nats"
    faults = [site.name for site in sites if site.is_at_fault]
    inside = _inside(weights, sites)
    if inside:
        advice = inside
    elif faults:
        advice = f"The guide's factor of {', '.join(map(repr, faults))} does not fit even given the others. {_RICHER}"
    elif any(site.shape is not None for site in sites):
        advice = _DEPENDENCE
    else:
        advice = _RICHER
    if calibration is not None:
        return Verdict("means", f"Trust means, not tails: {figures}, and calibration finds no mean off.", advice)
    return Verdict("nothing", f"Do not trust: {figures}.", advice)

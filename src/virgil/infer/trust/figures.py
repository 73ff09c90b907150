"""``Figures``: what a check has found, as data."""

from __future__ import annotations

from dataclasses import dataclass, field

from torch import Tensor

from virgil.infer.trust.calibration import Calibration
from virgil.infer.trust.convergence import Convergence
from virgil.infer.trust.modes import Search
from virgil.infer.trust.verdict import SiteCheck, Verdict
from virgil.infer.trust.weights import Importance

__all__ = ["Figures"]


@dataclass(frozen=True, eq=False)
class Figures:
    """A verdict on a fit, and the figures behind it.

    Attributes:
        verdict: the judgement; ``str(check.verdict)`` is a sentence.
        weights: what importance weights of the guide's draws say; ``None`` where there are none.
        obstacle: why there are none; ``None`` if there are.
        sites: each latent site, and after these each deterministic one.
        modes: modes of the posterior that the guide misses.
        convergence: what further steps show; ``None`` where none were asked for.
        calibration: what simulation says; ``None`` where it was not asked for.
        notes: what a reader of the figures should know.
    """

    verdict: Verdict
    weights: Importance | None
    obstacle: str | None
    sites: tuple[SiteCheck, ...]
    modes: Search
    convergence: Convergence | None
    calibration: Calibration | None
    notes: tuple[str, ...]
    _values: dict[str, Tensor] = field(repr=False)

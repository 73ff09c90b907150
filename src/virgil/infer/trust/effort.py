"""``Effort``: the seconds of a check, and how many draws and steps they allow."""

from __future__ import annotations

import math
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from rich.console import Console

from virgil import settings
from virgil.errors import ArgumentError, shown
from virgil.infer.density.draws_at_once import Joint
from virgil.infer.run.outcome import Outcome
from virgil.infer.trust.weights import LEAST

__all__ = ["Effort", "effort_of"]

_TOGETHER, _ALONE = 10_000, 1000  # draws, where one execution takes many of them and where it takes one
_FEW = 1000  # draws taken where one execution takes many, however slow they are
_STEPS, _FEWEST = 512, 128  # further steps, and the least of them
_BEGUN, _PATIENCE = 1.0, 10.0  # seconds: a check may take as long as its run, but so many at least and at most
_SHARE = 0.4  # of the seconds, for draws and for steps each


@dataclass(frozen=True)
class Effort:
    """The seconds that a check may take; parts that have to be begun take what they need.

    Attributes:
        seconds: how many.
        begun: when it began, by the clock of :func:`time.perf_counter`.
    """

    seconds: float
    begun: float = field(default_factory=time.perf_counter)

    @property
    def left(self) -> float:
        """Seconds that are left, 0 at least."""
        return max(0.0, self.seconds - (time.perf_counter() - self.begun))

    def draws(self, joint: Joint) -> int:
        """How many draws to begin with."""
        if not joint.at_once:
            return max(LEAST, min(_ALONE, int(_SHARE * self.seconds / joint.seconds)))
        # an execution with many draws takes at most as long as one for each of them, and mostly far less
        executions = max(1, int(_SHARE * self.seconds / joint.seconds))
        return max(_FEW, min(_TOGETHER, executions * joint.chunk))

    def more(self, wanted: float, taken: int, seconds: float) -> int:
        """How many draws to take in all where ``wanted`` are, after so many in so many seconds."""
        able = taken * _SHARE * self.left / max(seconds, 1e-6)
        return int(min(wanted, able)) if wanted <= able else taken

    def steps(self, fit: Outcome) -> int:
        """How many further steps to take: none of a deterministic approximation, which has none."""
        if fit.evaluations is not None:
            return 0
        pace = fit.wall_time / max(1, fit.num_steps)
        return max(_FEWEST, min(_STEPS, int(_SHARE * self.seconds / max(pace, 1e-9)) // _FEWEST * _FEWEST))

    @contextmanager
    def shown(self, doing: str) -> Iterator[None]:
        """A block during which standard error, where it is a terminal, says what is being done."""
        console = Console(stderr=True, highlight=False)
        if not (console.is_terminal and settings.get("progress")):
            yield
            return
        with console.status(f"check: {doing}, {self.left:.0f} s left of {self.seconds:.0f}"):
            yield


def effort_of(fit: Outcome, seconds: float | None) -> Effort:
    """The effort of a check: ``seconds``, or as long as the run took, one second at least and ten at most.

    Raises:
        ArgumentError: ``seconds`` is no number above 0.
    """
    if seconds is None:
        return Effort(min(_PATIENCE, max(_BEGUN, fit.wall_time)))
    if isinstance(seconds, bool) or not isinstance(seconds, (int, float)) or not 0 < seconds < math.inf:
        raise ArgumentError(f"check() got seconds={shown(seconds)}; it takes a number above 0.")
    return Effort(float(seconds))

"""``Rung``: a method that was tried, and what became of it."""

from __future__ import annotations

from dataclasses import dataclass

from virgil.infer.trust.verdict import Verdict

__all__ = ["Rung"]


@dataclass(frozen=True)
class Rung:
    """A method that was tried.

    Attributes:
        method: in words.
        seconds: that it took.
        gradients: evaluations of the log-density, most of them with its gradient.
        verdict: on its answer; the sentence says why a rung was left.
    """

    method: str
    seconds: float
    gradients: int
    verdict: Verdict

    def __str__(self) -> str:
        return f"{self.method} ({self.seconds:.1f} s, {self.gradients:,} evaluations): {self.verdict.sentence}"

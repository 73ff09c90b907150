"""``Contents``: how a model and a guide fit together, as data."""

from __future__ import annotations

from dataclasses import dataclass

from virgil.explain.roles import sentences
from virgil.explain.row import PlateRow, Row
from virgil.infer.checks.finding import Finding

__all__ = ["Contents"]


@dataclass(frozen=True)
class Contents:
    """How a model and a guide fit together.

    Attributes:
        objective: the class of the objective that it is about.
        rows: one a site.
        plates: one a plate.
        problems: all that was found, errors first.
    """

    objective: str
    rows: tuple[Row, ...]
    plates: tuple[PlateRow, ...]
    problems: tuple[Finding, ...]

    @property
    def errors(self) -> tuple[Finding, ...]:
        """The problems that SVI raises."""
        return tuple(problem for problem in self.problems if problem.severity == "error")

    @property
    def sentences(self) -> list[str]:
        """The rule for a guide's statements, and a sentence for each role that is there."""
        return sentences(self.rows)

    @property
    def verdict(self) -> str:
        """How many problems there are, in words."""
        counts = dict.fromkeys(("error", "warning", "note"), 0)
        for problem in self.problems:
            counts[problem.severity] += 1
        found = [f"{count} {severity}{'s' * (count > 1)}" for severity, count in counts.items() if count]
        return f"{', '.join(found)}." if found else "No problems."

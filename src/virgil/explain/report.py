"""``Report``: how a model and a guide fit together."""

from __future__ import annotations

import shutil
import sys
from dataclasses import asdict, dataclass, fields
from io import StringIO
from typing import Any

from rich.console import Console, Group

from virgil.explain.html import html_of
from virgil.explain.roles import sentences
from virgil.explain.row import PlateRow, Row
from virgil.explain.table import renderable
from virgil.infer.checks.finding import Finding

__all__ = ["Report"]

_WIDTH = 100  # of a report that goes to a file


@dataclass(frozen=True)
class Report:
    """How a model and a guide fit together; made by ``virgil.explain``.

    ``print(report)`` shows it as a table, a notebook as HTML, :meth:`to_dict` gives it to programs.

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
        """What the guide must state and why, in plain words: a rule, and a sentence for each role that is there."""
        return sentences(self.rows)

    @property
    def verdict(self) -> str:
        """How many problems there are, in words."""
        counts = dict.fromkeys(("error", "warning", "note"), 0)
        for problem in self.problems:
            counts[problem.severity] += 1
        found = [f"{count} {severity}{'s' * (count > 1)}" for severity, count in counts.items() if count]
        return f"{', '.join(found)}." if found else "No problems."

    def to_dict(self) -> dict[str, Any]:
        """Everything as lists, dicts, strings and numbers, which ``json`` can write."""
        return {
            "objective": self.objective,
            "verdict": self.verdict,
            "sentences": self.sentences,
            "rows": [asdict(row) for row in self.rows],
            "plates": [asdict(plate) for plate in self.plates],
            "problems": [_plain(problem) for problem in self.problems],
        }

    def __str__(self) -> str:
        width = shutil.get_terminal_size().columns if sys.stdout.isatty() else _WIDTH
        console = Console(file=StringIO(), width=width, no_color=True, force_terminal=False)
        with console.capture() as shown:
            console.print(renderable(self))
        return "\n".join(line.rstrip() for line in shown.get().splitlines())

    def __repr__(self) -> str:
        return f"<Report of {len(self.rows)} sites: {self.verdict}>"

    def __rich__(self) -> Group:
        return renderable(self)

    def _repr_html_(self) -> str:
        return html_of(self)


def _plain(problem: Finding) -> dict[str, Any]:
    values = {each.name: getattr(problem, each.name) for each in fields(problem)}
    return {**values, "kind": problem.kind.__name__}

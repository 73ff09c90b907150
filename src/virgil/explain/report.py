"""``Report``: how a model and a guide fit together."""

from __future__ import annotations

import shutil
import sys
from dataclasses import asdict, dataclass, fields
from io import StringIO
from typing import Any

from rich.console import Console, Group

from virgil.explain.contents import Contents
from virgil.explain.html import html_of
from virgil.explain.table import renderable
from virgil.infer.checks.finding import Finding

__all__ = ["Report"]

_WIDTH = 100  # of a report that goes to a file


@dataclass(frozen=True)
class Report(Contents):
    """How a model and a guide fit together; made by ``virgil.explain``.

    ``print(report)`` shows it as a table, a notebook as HTML, :meth:`to_dict` gives it to programs.

    Attributes: those of :class:`Contents`.
    """

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

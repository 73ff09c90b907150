"""A report in a terminal."""

from __future__ import annotations

from rich.box import SIMPLE_HEAD
from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from virgil.explain.cells import HEADS, cause_and_cure, cells_of, plate_line
from virgil.explain.contents import Contents
from virgil.infer.checks.finding import Finding

__all__ = ["renderable"]

_STYLES = {"error": "bold red", "warning": "bold yellow", "note": "bold cyan"}


def renderable(report: Contents) -> Group:
    """The renderable that rich prints for a report."""
    parts: list[RenderableType] = []
    for number, sentence in enumerate(report.sentences):
        parts.append(Text(sentence) if number == 0 else Padding(Text(sentence), (0, 0, 0, 2)))
    if report.rows:
        parts.append(_table(report))
    if report.plates:
        parts.append(Text("Plates", style="bold"))
        parts += [Padding(Text(plate_line(plate)), (0, 0, 0, 2)) for plate in report.plates]
        parts.append(Text(""))
    parts.append(Text(f"{report.objective}: {report.verdict}", style="bold"))
    for problem in report.problems:
        parts += _problem(problem)
    return Group(*parts)


def _table(report: Contents) -> Table:
    table = Table(box=SIMPLE_HEAD, pad_edge=False, padding=(0, 1, 0, 0))
    for head in HEADS:
        folds = head in ("site", "role", "plates")  # the others have a line a program
        table.add_column(head, overflow="fold" if folds else "ellipsis", no_wrap=not folds)
    for row in cells_of(report.rows):
        role = Text(row.role, style="red" if _is_wrong(row.role) else "")
        columns = (Text("\n".join(column)) for column in zip(*row.stated, strict=True))
        table.add_row(Text(row.site, style="bold"), role, *columns)
    return table


def _is_wrong(role: str) -> bool:
    return role in ("missing in the guide", "only in the guide", "observed in the guide", "sampled though observed")


def _problem(problem: Finding) -> list[RenderableType]:
    head = Text(problem.severity, style=_STYLES[problem.severity])
    cause, cure = cause_and_cure(problem)
    head.append(f"  {cause}", style="not bold default")
    parts: list[RenderableType] = [Text(""), head]
    if cure:
        parts.append(Padding(Text.assemble(("do  ", "bold green"), cure), (0, 0, 0, 2)))
    if problem.details:
        parts.append(Padding(Text(problem.details), (1, 0, 0, 2)))
    return parts

"""A report in a terminal."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.box import SIMPLE_HEAD
from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from virgil.explain.cells import lines_of, plate_line
from virgil.infer.checks.problem import Problem

if TYPE_CHECKING:
    from virgil.explain.report import Report

__all__ = ["renderable"]

_STYLES = {"error": "bold red", "warning": "bold yellow", "note": "bold cyan"}


def renderable(report: Report) -> Group:
    """What rich prints for a report."""
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


def _table(report: Report) -> Table:
    table = Table(box=SIMPLE_HEAD, pad_edge=False, padding=(0, 1))
    table.add_column("site", overflow="fold", min_width=4)
    table.add_column("role")
    table.add_column("in", no_wrap=True)
    table.add_column("distribution")
    table.add_column("batch | event", no_wrap=True)
    table.add_column("support")
    table.add_column("plates", overflow="fold")
    for line in lines_of(report.rows):
        role = Text(line.role, style="red" if _is_wrong(line.role) else "")
        table.add_row(
            Text(line.site, style="bold"),
            role,
            line.program,
            line.distribution,
            Text(line.shape),
            line.support,
            line.plates,
        )
    return table


def _is_wrong(role: str) -> bool:
    return role in ("missing in the guide", "only in the guide", "observed in the guide", "sampled though observed")


def _problem(problem: Problem) -> list[RenderableType]:
    head = Text(problem.severity, style=_STYLES[problem.severity])
    head.append(f"  {problem.cause}", style="not bold default")
    parts: list[RenderableType] = [Text(""), head]
    if problem.cure:
        parts.append(Padding(Text.assemble(("do  ", "bold green"), problem.cure), (0, 0, 0, 2)))
    if problem.details:
        parts.append(Padding(Text(problem.details), (1, 0, 0, 2)))
    return parts

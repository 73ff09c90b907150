"""A report in a notebook."""

from __future__ import annotations

from collections.abc import Iterable
from html import escape
from typing import TYPE_CHECKING

from virgil.explain.cells import lines_of, plate_line
from virgil.infer.checks.problem import Problem

if TYPE_CHECKING:
    from virgil.explain.report import Report

__all__ = ["html_of"]

_HEADS = ("site", "role", "in", "distribution", "batch | event", "support", "plates")
_COLOURS = {"error": "#c62828", "warning": "#b26a00", "note": "#00697a"}
_CELL = "text-align:left;padding:2px 10px 2px 0;vertical-align:top"


def html_of(report: Report) -> str:
    """A fragment of HTML that needs no style sheet; every name in it is escaped."""
    told = report.sentences
    parts = [f"<p>{escape(told[0])}</p><ul>{_items(told[1:])}</ul>"] if told else []
    if report.rows:
        parts.append(_table(report))
    if report.plates:
        parts.append(f"<p><b>Plates</b></p><ul>{_items(map(plate_line, report.plates))}</ul>")
    parts.append(f"<p><b>{escape(report.objective)}: {escape(report.verdict)}</b></p>")
    parts += [_problem(problem) for problem in report.problems]
    return f"<div>{''.join(parts)}</div>"


def _items(texts: Iterable[str]) -> str:
    return "".join(f"<li>{escape(text)}</li>" for text in texts)


def _table(report: Report) -> str:
    heads = "".join(f'<th style="{_CELL}">{escape(head)}</th>' for head in _HEADS)
    body = []
    for line in lines_of(report.rows):
        border = ";border-top:1px solid #bbb" if line.site else ""
        shape = f"<code style='white-space:pre'>{escape(line.shape)}</code>"
        texts = [f"<b>{escape(line.site)}</b>", *map(escape, (line.role, line.program, line.distribution)), shape]
        cells = [*texts, escape(line.support), escape(line.plates)]
        body.append("<tr>" + "".join(f'<td style="{_CELL}{border}">{cell}</td>' for cell in cells) + "</tr>")
    return (
        f'<table style="border-collapse:collapse"><thead><tr>{heads}</tr></thead><tbody>{"".join(body)}</tbody></table>'
    )


def _problem(problem: Problem) -> str:
    head = f'<b style="color:{_COLOURS[problem.severity]}">{problem.severity}</b> {escape(problem.cause)}'
    cure = f"<br><b>do</b> {escape(problem.cure)}" if problem.cure else ""
    details = f"<pre>{escape(problem.details)}</pre>" if problem.details else ""
    return f"<p>{head}{cure}</p>{details}"

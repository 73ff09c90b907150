"""A report in a notebook."""

from __future__ import annotations

from collections.abc import Iterable
from html import escape

from virgil.explain.cells import HEADS, cause_and_cure, cells_of, plate_line
from virgil.explain.contents import Contents
from virgil.infer.checks.finding import Finding

__all__ = ["html_of"]

_COLOURS = {"error": "#c62828", "warning": "#b26a00", "note": "#00697a"}
_CELL = "text-align:left;padding:4px 14px 4px 0;vertical-align:top;border-top:1px solid #ccc"
_LINE = "white-space:pre;font-family:monospace"


def html_of(report: Contents) -> str:
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


def _table(report: Contents) -> str:
    heads = "".join(f'<th style="{_CELL}">{escape(head)}</th>' for head in HEADS)
    body = []
    for row in cells_of(report.rows):
        columns = [_lines(column) for column in zip(*row.stated, strict=True)]
        cells = [f"<b>{escape(row.site)}</b>", escape(row.role), *columns]
        body.append("<tr>" + "".join(f'<td style="{_CELL}">{cell}</td>' for cell in cells) + "</tr>")
    return f'<table style="border-collapse:collapse"><tr>{heads}</tr>{"".join(body)}</table>'


def _lines(texts: Iterable[str]) -> str:
    lines = (f'<span style="{_LINE}">{escape(text) or "&nbsp;"}</span>' for text in texts)
    return "<br>".join(lines)


def _problem(problem: Finding) -> str:
    cause, cure = map(escape, cause_and_cure(problem))
    head = f'<b style="color:{_COLOURS[problem.severity]}">{problem.severity}</b> {cause}'
    details = f"<pre>{escape(problem.details)}</pre>" if problem.details else ""
    return f"<p>{head}{f'<br><b>do</b> {cure}' * bool(cure)}</p>{details}"

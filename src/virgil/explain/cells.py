"""The texts of a report: cells of the table, with shapes aligned by plate, and plates and problems in words."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from virgil.explain.alike import alike_as_one
from virgil.explain.row import PlateRow, Row, Statement
from virgil.infer.checks.finding import Finding

__all__ = ["Cells", "HEADS", "cause_and_cure", "cells_of", "plate_line"]

HEADS = ("site", "role", "in", "distribution", "batch | event", "support", "plates")
_LEFT = HEADS[4].index("|")


@dataclass(frozen=True)
class Cells:
    """A row of the table.

    Attributes:
        site: its name, or the first and the last of several that are alike.
        role: what it is to the objective.
        stated: what each program that has it states: its role, the family, the shapes, the support, the plates. Plates
            of the guide are left out where they are the model's.
    """

    site: str
    role: str
    stated: tuple[tuple[str, str, str, str, str], ...]


def cells_of(rows: Sequence[Row]) -> list[Cells]:
    """The rows of the table; rounds of a loop that are alike are one."""
    rows = alike_as_one(rows)
    widths = _widths([each for row in rows for each in (row.model, row.guide) if each is not None])
    return [Cells(row.site, row.role, tuple(_stated(row, widths))) for row in rows]


def _stated(row: Row, widths: tuple[int, int, int]) -> Iterator[tuple[str, str, str, str, str]]:
    for program, stated in (("model", row.model), ("guide", row.guide)):
        if stated is not None:
            is_told = program == "guide" and row.model is not None and row.model.plates == stated.plates
            plates = "" if is_told else ", ".join(stated.plates)
            yield program, stated.distribution, _shape(stated, *widths), stated.support, plates


def cause_and_cure(problem: Finding) -> tuple[str, str]:
    """The two as sentences of their own."""
    cause, cure = problem.cause, problem.cure
    if cause.endswith((";", ":")):
        cause = f"{cause[:-1]}."
    return cause, cure[:1].upper() + cure[1:]


def plate_line(plate: PlateRow) -> str:
    """A plate in words."""
    size = f"size {plate.size}"
    if plate.subsample_size != plate.size:
        size += f", mini-batch of {plate.subsample_size}"
    place = "no batch dim" if plate.dim is None else f"dim {plate.dim}"
    where = "" if len(plate.programs) == 2 else f", in the {plate.programs[0]} alone"
    return f"{plate.name}: {size}, {place}{where}"


def _widths(statements: Sequence[Statement]) -> tuple[int, int, int]:
    """The most batch dims and event dims, and the width of a number."""
    batch = max((len(each.batch) for each in statements), default=0)
    event = max((len(each.event) for each in statements), default=0)
    number = max((len(str(size)) for each in statements for size in (*each.batch, *each.event)), default=1)
    return batch, event, number


def _shape(stated: Statement, batch: int, event: int, number: int) -> str:
    left = [""] * (batch - len(stated.batch)) + [str(size) for size in stated.batch]
    right = [str(size) for size in stated.event] + [""] * (event - len(stated.event))
    before = " ".join(f"{each:>{number}}" for each in left)
    return f"{before:>{_LEFT - 1}} | {' '.join(f'{each:>{number}}' for each in right)}"

"""What stands in a report's table: two lines a site, the shapes aligned by plate."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from virgil.explain.alike import alike_as_one
from virgil.explain.row import PlateRow, Row, Statement

__all__ = ["Line", "lines_of", "plate_line"]


@dataclass(frozen=True)
class Line:
    """One line of the table: what one program states at a site.

    Attributes:
        site, role: empty in the second line of a site.
        program: ``"model"`` or ``"guide"``.
        distribution: the family.
        shape: batch and event shape, as in ``"3 2 | 4"``, of one width in all lines.
        support: in few words.
        plates: names, outermost first.
    """

    site: str
    role: str
    program: str
    distribution: str
    shape: str
    support: str
    plates: str


def lines_of(rows: Sequence[Row]) -> list[Line]:
    """The lines; rounds of a loop that are alike are one row."""
    rows = alike_as_one(rows)
    statements = [each for row in rows for each in (row.model, row.guide) if each is not None]
    widths = _widths(statements)
    lines = []
    for row in rows:
        site, role = row.site, row.role
        for program, stated in (("model", row.model), ("guide", row.guide)):
            if stated is not None:
                shape = _shape(stated, *widths)
                plates = ", ".join(stated.plates)
                lines.append(Line(site, role, program, stated.distribution, shape, stated.support, plates))
                site = role = ""
    return lines


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
    return " ".join([*(f"{each:>{number}}" for each in left), "|", *(f"{each:>{number}}" for each in right)])

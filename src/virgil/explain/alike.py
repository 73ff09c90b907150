"""Rounds of a loop told as one row."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace

from virgil.explain.row import Row

__all__ = ["alike_as_one"]

_LEAST = 4  # fewer rows are told one by one


def alike_as_one(rows: Sequence[Row]) -> list[Row]:
    """The rows, where those that differ by numbers in their names alone are one, named by the first and the last."""
    groups: dict[object, list[Row]] = {}
    for row in rows:
        groups.setdefault((re.sub(r"\d+", "#", row.site), row.role, row.model, row.guide), []).append(row)
    told = []
    for group in groups.values():
        if len(group) < _LEAST:
            told += group
        else:
            told.append(replace(group[0], site=f"{group[0].site} ... {group[-1].site}"))
    return told

"""The families of each wing, each with an instance: the row that the laws have for it."""

from __future__ import annotations

import importlib
from types import ModuleType
from typing import Any

import virgil.distributions as dist
from tests.laws.families import ROWS, Row

__all__ = ["WINGS", "families", "instance", "row_of"]

WINGS = ["continuous", "discrete", "multivariate", "directional", "matrix", "combinatorial", "time_series", "composed"]
_FIRST: dict[str, Row] = {name: row for name, row in ROWS.items() if "(" not in name}


def wing(name: str) -> ModuleType:
    return importlib.import_module(f"virgil.distributions.{name}")


def families(name: str) -> list[type[Any]]:
    """The classes of a wing in the order of the alphabet; in the last also those that every family makes."""
    names = list(wing(name).__all__)
    if name == "composed":
        names += ["Independent", "MaskedDistribution", "ExpandedDistribution"]
    return [getattr(dist, each) for each in sorted(names, key=str.lower)]


def row_of(family: type[Any]) -> Row | None:
    return _FIRST.get(family.__name__)


def instance(family: type[Any]) -> Any:
    """A distribution of this family with a batch of two; None of what is no distribution."""
    row = row_of(family)
    return None if row is None else row.build()

"""Arguments of a model from the columns of a table in a file."""

from __future__ import annotations

import csv
import inspect
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from virgil.errors import ArgumentError, did_you_mean

__all__ = ["arguments_of", "columns_of"]


def columns_of(path: Path) -> dict[str, Tensor]:
    """The columns of a CSV file with a row of names: whole numbers as int64, others as floats, empty cells as NaN.

    Raises:
        ArgumentError: there is no such file, it has no rows, or a cell is no number.
    """
    try:
        with path.open(newline="") as file:
            rows = list(csv.DictReader(file))
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise ArgumentError(f"The table {path} cannot be read: {error}.") from None
    if not rows:
        raise ArgumentError(f"The table {path} has no rows. It takes a line of names, and a line a row, with commas.")
    return {name: _column(path, name, [row[name] for row in rows]) for name in rows[0] if name}


def _column(path: Path, name: str, cells: list[str | None]) -> Tensor:
    numbers = []
    for line, cell in enumerate(cells, start=2):
        try:
            numbers.append(float(cell) if cell and cell.strip() else float("nan"))
        except ValueError:
            raise ArgumentError(
                f"The table {path} has {cell!r} in column {name!r}, line {line}, which is no number. Give the column "
                "numbers, such as codes of its labels."
            ) from None
    if all(number.is_integer() for number in numbers) and not any("." in (cell or "") for cell in cells):
        return torch.tensor([int(number) for number in numbers])
    return torch.tensor(numbers)


def arguments_of(model: Callable[..., Any], columns: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The columns that a model takes, by its arguments' names.

    Raises:
        ArgumentError: an argument has no column and no default, or the model takes arguments without names.
    """
    found: dict[str, Tensor] = {}
    for name, parameter in inspect.signature(model).parameters.items():
        if parameter.kind is parameter.VAR_KEYWORD:
            return dict(columns)
        if name in columns and parameter.kind is not parameter.POSITIONAL_ONLY:
            found[name] = columns[name]
        elif parameter.default is parameter.empty and parameter.kind is not parameter.VAR_POSITIONAL:
            raise ArgumentError(
                f"The model takes {name!r}, and the table has no such column. {did_you_mean(name, list(columns))} Name "
                "the model's arguments as the columns, or give --args."
            )
    return found

"""Output of the demos: one console, one kind of table, one kind of figure."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table

from virgil.infer.plots.figure import new_figure

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["new_figure", "print_table", "save", "say"]


def say(text: str) -> None:
    """Print a line, wrapped to the terminal."""
    Console(highlight=False).print(text, markup=False)


def print_table(headings: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Print a table, its first column to the left and the others, numbers, to the right."""
    table = Table(box=SIMPLE_HEAD, show_edge=False, pad_edge=False, header_style="bold")
    for column, heading in enumerate(headings):
        table.add_column(heading, justify="right" if column else "left", no_wrap=True)
    for row in rows:
        table.add_row(*row)
    Console(highlight=False).print(table)


def save(figure: Figure, path: Path) -> None:
    """Write a picture, making its folder, and say where it is."""
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=150)
    say(f"Picture: {path}")

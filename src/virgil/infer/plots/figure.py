"""The door to matplotlib."""

from __future__ import annotations

from os import PathLike
from typing import TYPE_CHECKING

from virgil.errors import ArgumentError

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["new_figure", "saved"]


def new_figure(width: float, height: float) -> Figure:
    """An empty figure, in inches, that belongs to no window.

    Raises:
        ArgumentError: matplotlib is not installed.
    """
    try:
        from matplotlib.figure import Figure  # noqa: PLC0415 - an optional dependency at its door
    except ImportError:
        raise ArgumentError('Drawing needs matplotlib: pip install "virgil-ppl[plot]".') from None
    return Figure(figsize=(width, height), layout="constrained")


def saved(figure: Figure, filename: str | PathLike[str] | None) -> Figure:
    """The figure, written to a file if there is a name for one."""
    if filename is not None:
        figure.savefig(filename, dpi=150)
    return figure

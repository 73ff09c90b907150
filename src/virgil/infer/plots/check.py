"""The picture of a check: k-hat of the guide, and of each site given all others."""

from __future__ import annotations

from collections.abc import Sequence
from os import PathLike
from typing import TYPE_CHECKING

from virgil.infer.plots.figure import new_figure, saved

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["plot_check"]

_ROW = 0.32  # inches
_COLOURS = {"good": "C0", "usable": "C1", "too large": "C3"}


def plot_check(
    rows: Sequence[tuple[str, float, float]], good: float, filename: str | PathLike[str] | None = None
) -> Figure:
    """Draw k-hat, a row a site, with the thresholds under which weights have a variance and can be relied on.

    Args:
        rows: label, k-hat and the threshold up to which weighted draws can be relied on.
        good: the k-hat up to which weights have a variance.
        filename: where to save the picture, if anywhere.
    """
    figure = new_figure(7.0, 1.6 + _ROW * len(rows))
    axes = figure.subplots()
    for place, (_, k_hat, threshold) in enumerate(rows):
        colour = _COLOURS["good" if k_hat <= good else "usable" if k_hat <= threshold else "too large"]
        axes.plot([0.0, k_hat], [place, place], color=colour, linewidth=1.6)
        axes.plot([k_hat], [place], "o", color=colour, markersize=6.0)
        label = None if place else "weighted draws can be relied on below"
        axes.plot([threshold] * 2, [place - 0.5, place + 0.5], color="0.3", linewidth=1.0, label=label)
    axes.axvline(good, color="0.5", linewidth=1.0, linestyle=":", label="weights have a variance below")
    axes.set_yticks(range(len(rows)), [label for label, _, _ in rows])
    axes.set_ylim(len(rows) - 0.4, -0.6)
    axes.set_xlim(
        min(-0.05, *(k_hat - 0.05 for _, k_hat, _ in rows)), max(1.05, *(k_hat + 0.05 for _, k_hat, _ in rows))
    )
    axes.set_xlabel("Pareto k-hat")
    figure.legend(loc="outside upper right", ncols=2, fontsize="small", frameon=False)
    axes.tick_params("y", length=0)
    for side in ("left", "right", "top"):
        axes.spines[side].set_visible(False)
    return saved(figure, filename)

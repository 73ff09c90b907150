"""The report of the program ``dmm``."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import torch
from torch import Tensor

from virgil.examples.data.chorales import LOWEST, Chorales
from virgil.examples.reports.output import new_figure, print_table, save, say

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["Bounds", "draw", "report"]


class Bounds(NamedTuple):
    """After so many steps, the ELBO of the chorales learnt from and of those for validation, nats a quarter."""

    step: int
    train: float
    validation: float


def report(bounds: Sequence[Bounds], scores: Mapping[str, float], train: Chorales, test: Chorales) -> None:
    """Print the test chorales' log-probability by each model."""
    last = bounds[-1]
    say(
        f"{len(train.lengths)} chorales of Bach to learn from, {len(test.lengths)} to test, of {test.lengths.min()} to "
        f"{test.lengths.max()} quarters. After {last.step} steps the ELBO is {last.train:.2f} nats a quarter of those "
        f"learnt from, {last.validation:.2f} of those for validation. Of the {test.quarters:,} quarters of the test:"
    )
    print_table(["", "nats a quarter"], [[name, f"{score:.2f}"] for name, score in scores.items()])
    say(
        "The first three are exact, the next two lower bounds, and the last is the score of predictions made of draws. "
        "Krishnan, Shalit and Sontag report minus the bound in the same unit, for variants of their model such figures "
        "as 6.39 and 6.77; but their collection of chorales, its preparation and its split are others, and their "
        "networks several times larger, so that no figure here is to be set beside theirs."
    )


def draw(
    bounds: Sequence[Bounds],
    scores: Mapping[str, float],
    notes: Tensor,
    predicted: Tensor,
    annealed: float,
    path: Path,
) -> None:
    """Draw the bounds against steps above, one test chorale and its predictions below."""
    figure = new_figure(12.0, 8.5)
    panels = figure.subplot_mosaic([["bounds", "bounds"], ["true", "predicted"]], height_ratios=[1.0, 1.25])
    _draw_bounds(panels["bounds"], bounds, scores, annealed)
    panels["predicted"].sharey(panels["true"])
    panels["predicted"].sharex(panels["true"])
    sounding = notes.sum(0).nonzero()[:, 0]
    low, high = int(sounding.min()) - 2, int(sounding.max()) + 3
    for name, roll, title in (
        ("true", notes, "A chorale of the test"),
        ("predicted", predicted, "Each quarter's keys, predicted from the quarters before"),
    ):
        _draw_roll(panels[name], roll[:, low:high], low + LOWEST, title)
    panels["true"].set_ylabel("key")
    figure.colorbar(panels["predicted"].images[0], ax=panels["predicted"], label="probability", pad=0.01)
    save(figure, path)


def _draw_bounds(axes: Axes, bounds: Sequence[Bounds], scores: Mapping[str, float], annealed: float) -> None:
    steps = [each.step for each in bounds]
    axes.axvspan(0, annealed, color="0.93", label="the divergence counts less")
    axes.plot(steps, [each.train for each in bounds], color="0.5", label="ELBO, learnt from")
    axes.plot(steps, [each.validation for each in bounds], color="C0", label="ELBO, validation")
    for place, name in enumerate(list(scores)[:3]):
        axes.axhline(scores[name], color="black", linewidth=1.0, linestyle=("-.", ":", "--")[place], label=name)
    best = max(max(each) for each in ([each.train, each.validation] for each in bounds))
    axes.set_ylim(min(scores.values()) - 0.8, max(best, *scores.values()) + 0.3)
    axes.set_xlim(0, steps[-1])
    axes.set_xlabel("steps")
    axes.set_ylabel("nats a quarter")
    axes.set_title("Bounds, and exact log-probabilities of the test by simpler models")
    axes.legend(loc="center right", ncols=2, fontsize="small")


def _draw_roll(axes: Axes, roll: Tensor, lowest: int, title: str) -> None:
    extent = (0, len(roll), lowest - 0.5, lowest + roll.shape[1] - 0.5)
    axes.imshow(
        roll.T.numpy(),
        origin="lower",
        aspect="auto",
        cmap="gray_r",
        vmin=0,
        vmax=1,
        extent=extent,
        interpolation="none",
    )
    octaves = [key for key in torch.arange(0, 128, 12).tolist() if extent[2] < key < extent[3]]
    axes.set_yticks(octaves, [f"C{key // 12 - 1}" for key in octaves])
    axes.grid(axis="y", color="C0", alpha=0.3, linewidth=0.6)
    axes.set_xlabel("quarters")
    axes.set_title(title, fontsize="medium")

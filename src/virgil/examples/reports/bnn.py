"""The report of the program ``bnn``."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import torch
from torch import Tensor

from virgil.examples.reports.output import new_figure, print_table, save, say

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["Prediction", "draw", "report", "standard_error"]

_LEVELS = (0.5, 0.8, 0.9, 0.95)


class Prediction(NamedTuple):
    """Predictive distributions of patients, held against what was observed.

    Attributes:
        observed: Shape: ``(patients,)``.
        mean: Shape: ``(patients,)``.
        interval: the central one of 90 %, its ends. Shape: ``(2, patients)``.
        log_density: of what was observed, nats. Shape: ``(patients,)``.
        below: the probability of a value below the observed one. Shape: ``(patients,)``.
    """

    observed: Tensor
    mean: Tensor
    interval: Tensor
    log_density: Tensor
    below: Tensor

    @classmethod
    def of_all(cls, parts: Sequence[Prediction]) -> Prediction:
        """The patients of several predictions in one."""
        return cls(*(torch.cat(columns, -1) for columns in zip(*parts, strict=True)))

    @property
    def error(self) -> float:
        """The root of the mean squared error of the means."""
        return (self.mean - self.observed).square().mean().sqrt().item()

    def coverage(self, level: float) -> float:
        """The share of patients inside their central intervals of this probability."""
        return ((2 * self.below - 1).abs() < level).double().mean().item()


def standard_error(level: float, count: int) -> float:
    """The sd of the share that so many intervals of probability ``level`` hold, where they hold what they promise."""
    return math.sqrt(level * (1 - level) / count)


def report(predictions: Mapping[str, Prediction], folds: int) -> None:
    """Print error, density and coverage of each model."""
    count = len(next(iter(predictions.values())).observed)
    say(
        f"{count} patients, each predicted by a fit on the others' {folds - 1} of {folds} parts. The root mean squared "
        "error in sds of the target, the log-density in nats a patient, and the share inside central intervals:"
    )
    rows = [
        [name, f"{each.error:.3f}", f"{each.log_density.mean():.3f}"]
        + [f"{each.coverage(level):.1%}" for level in _LEVELS]
        for name, each in predictions.items()
    ]
    errors = [f"± {standard_error(level, count):.1%}" for level in _LEVELS]
    headings = ["", "error", "log-density", *(f"{level:.0%}" for level in _LEVELS)]
    print_table(headings, [*rows, ["one standard error", "", "", *errors]])
    first, second = predictions.values()
    difference = first.log_density - second.log_density
    say(
        f"The network's log-density is higher by {difference.mean():.3f} nats a patient, "
        f"± {difference.std() / math.sqrt(count):.3f}."
    )


def draw(predictions: Mapping[str, Prediction], path: Path) -> None:
    """Draw the network's intervals, sorted by mean, and both models' coverage at all levels."""
    figure = new_figure(13.0, 5.5)
    left, right = figure.subplots(1, 2, width_ratios=[1.6, 1.0])
    _draw_intervals(left, next(iter(predictions.values())))
    _draw_coverage(right, predictions)
    save(figure, path)


def _draw_intervals(axes: Axes, prediction: Prediction) -> None:
    order = prediction.mean.argsort()
    places = torch.arange(len(order))
    (low, high), observed = prediction.interval[:, order], prediction.observed[order]
    axes.vlines(places, low, high, color="C0", alpha=0.25, linewidth=1.6, label="interval of 90 %")
    axes.plot(places, prediction.mean[order], color="C0", linewidth=1.5, label="mean")
    inside = (low < observed) & (observed < high)
    for chosen, color, label in ((inside, "0.25", "observed, inside"), (~inside, "C3", "observed, outside")):
        axes.plot(places[chosen], observed[chosen], ".", color=color, markersize=4.5, label=label)
    axes.set_xlim(-3, len(order) + 2)
    axes.set_xlabel("patients, by predicted mean")
    axes.set_ylabel("progression after a year (sds)")
    axes.set_title("The network's predictions of patients held out")
    axes.legend(loc="upper left", ncols=2, fontsize="small")


def _draw_coverage(axes: Axes, predictions: Mapping[str, Prediction]) -> None:
    levels = [0.05 + 0.1 * place for place in range(10)]
    axes.plot([0, 100], [0, 100], color="black", linewidth=0.8, label="what is promised")
    for (color, shift), (name, each) in zip((("C0", -0.7), ("C1", 0.7)), predictions.items(), strict=True):
        shares = [each.coverage(level) for level in levels]
        errors = [200 * standard_error(share, len(each.observed)) for share in shares]
        beside = [100 * level + shift for level in levels]  # so that no bar hides another
        heights = [100 * share + shift for share in shares]
        axes.errorbar(beside, heights, errors, fmt="o", markersize=4, capsize=2.5, color=color, label=name)
    axes.set_xlim(0.0, 100.0)
    axes.set_ylim(0.0, 100.0)
    axes.set_aspect("equal")
    axes.grid(color="0.92", linewidth=0.8)
    axes.set_xlabel("probability of the central interval (%)")
    axes.set_ylabel("patients inside, ± 2 standard errors (%)")
    axes.set_title("Coverage")
    axes.legend(loc="lower right", fontsize="small")

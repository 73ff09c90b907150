"""The report of the hidden Markov demo, beside dated recessions."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from virgil.examples.reports.output import new_figure, print_table, save, say
from virgil.infer import Fit

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["RECESSIONS", "Reading", "draw", "in_recession", "report"]

# Quarters of peak and trough, from the months in "US Business Cycle Expansions and Contractions" of the National Bureau
# of Economic Research; a recession lasts from the quarter after the peak to that of the trough.
RECESSIONS = (
    ((1960, 2), (1961, 1)),
    ((1969, 4), (1970, 4)),
    ((1973, 4), (1975, 1)),
    ((1980, 1), (1980, 3)),
    ((1981, 3), (1982, 4)),
    ((1990, 3), (1991, 1)),
    ((2001, 1), (2001, 4)),
    ((2007, 4), (2009, 2)),
)


@dataclass(frozen=True)
class Reading:
    """The model's reading of the states.

    Attributes:
        path: the jointly most probable states. Shape: ``(quarters,)``.
        probs: of each state in each quarter, given all growth. Shape: ``(quarters, states)``.
    """

    path: Tensor
    probs: Tensor


def _number(quarter: tuple[int, int]) -> int:
    return 4 * quarter[0] + quarter[1] - 1


def _between(quarters: Tensor, peak: tuple[int, int], trough: tuple[int, int]) -> Tensor:
    return (quarters > _number(peak)) & (quarters <= _number(trough))


def in_recession(quarters: Tensor) -> Tensor:
    """True if each quarter belongs to a dated recession. Shape: as ``quarters``."""
    return torch.stack([_between(quarters, *each) for each in RECESSIONS]).any(0)


def report(quarters: Tensor, points: dict[str, Tensor], reading: Reading, fit: Fit, quick: Fit) -> None:
    """Print the two states, and each recession beside what the model made of it.

    Args:
        quarters: as in ``Growth``.
        points: the fitted values by site.
        reading: the states.
        fit: with the states summed out one after the other.
        quick: with all of them at once.
    """
    say(
        f"Growth of the American economy, {len(quarters)} quarters, states summed out. {fit.num_steps} steps in "
        f"{fit.wall_time:.1f} s; loss {fit.losses[-1].item():.2f} nats."
    )
    off = (quick.losses - fit.losses).abs().max().item()
    say(
        f"The same sum for all quarters at once, in logarithmic depth: {quick.num_steps} steps in "
        f"{quick.wall_time:.1f} s; its losses differ by at most {off:.1g} nats.\n"
    )
    slump = int(points["locs"].argmin())
    rows = []
    for name, state in (("slump", slump), ("expansion", 1 - slump)):
        stay = points["moves"][state, state].item()
        rows.append([name, f"{points['locs'][state].item():.2f}", f"{stay:.3f}", f"{1 / (1 - stay):.1f}"])
    print_table(["state", "mean growth (% a year)", "stays with probability", "lasts (quarters)"], rows)
    say(f"Growth scatters around either mean with an sd of {points['scale'].item():.2f} % a year.\n")
    _report_recessions(quarters, reading, slump)


def _report_recessions(quarters: Tensor, reading: Reading, slump: int) -> None:
    on_path, probability = reading.path == slump, reading.probs[:, slump]
    rows = []
    for peak, trough in RECESSIONS:
        during = _between(quarters, peak, trough)
        first = _number(peak) + 1
        rows.append(
            [
                f"{_name(first)} to {_name(_number(trough))}",
                str(int(during.sum())),
                str(int((on_path & during).sum())),
                f"{probability[during].mean().item():.2f}",
            ]
        )
    print_table(["recession", "quarters", "on the path", "mean probability"], rows)
    dated = in_recession(quarters)
    early = [_name(number) for number in quarters[on_path & ~dated].tolist()]
    say(
        f"The most probable path is in the slump in {int((on_path & dated).sum())} of {int(dated.sum())} quarters of "
        f"recession, and in {len(early)} of the other {int((~dated).sum())}: {', '.join(early) or 'none'}. The "
        f"marginals have {int(((probability > 0.5) & dated).sum())} and {int(((probability > 0.5) & ~dated).sum())}. "
        "The path is one story that fits best as a whole; a marginal asks about its quarter alone, and shows doubt."
    )


def _name(quarter: int) -> str:
    return f"{quarter // 4}Q{quarter % 4 + 1}"


def draw(quarters: Tensor, percent: Tensor, points: dict[str, Tensor], reading: Reading, fit: Fit, path: Path) -> None:
    """Draw growth with the path's means, and the probability of a slump, over time; loss and gradient norms beside."""
    figure = new_figure(14.0, 6.5)
    panels = figure.subplot_mosaic([["growth", "loss"], ["slump", "norms"]], width_ratios=[2.2, 1.0])
    for left, right in (("growth", "slump"), ("loss", "norms")):
        panels[left].sharex(panels[right])
        panels[left].tick_params(labelbottom=False)
    fit.plot(axes=[panels["loss"], panels["norms"]])
    years = [*(quarters / 4).tolist(), (int(quarters[-1]) + 1) / 4]  # each quarter's beginning, and the last one's end
    _draw_growth(panels["growth"], years, percent, points["locs"][reading.path])
    _draw_slump(panels["slump"], years, reading, int(points["locs"].argmin()))
    save(figure, path)


def _shade(axes: Axes) -> None:
    for number, (peak, trough) in enumerate(RECESSIONS):
        begin, end = (_number(peak) + 1) / 4, (_number(trough) + 1) / 4
        axes.axvspan(begin, end, color="0.85", linewidth=0, label="dated recessions" if number == 0 else None)


def _draw_growth(axes: Axes, years: list[float], percent: Tensor, means: Tensor) -> None:
    _shade(axes)
    axes.stairs(percent.tolist(), years, baseline=None, color="0.4", linewidth=0.9, label="growth")
    axes.stairs(
        means.tolist(), years, baseline=None, color="C3", linewidth=1.6, label="mean of the most probable state"
    )
    axes.set_ylabel("growth (% a year)")
    axes.set_title("Real gross domestic product of the United States, quarter by quarter", fontsize="medium")
    axes.legend(loc="upper right", ncols=3, fontsize="small")
    axes.set_ylim(top=20.0)


def _draw_slump(axes: Axes, years: list[float], reading: Reading, slump: int) -> None:
    _shade(axes)
    probability = reading.probs[:, slump].tolist()
    axes.stairs(probability, years, fill=True, color="C0", alpha=0.35)
    axes.stairs(probability, years, color="C0", linewidth=1.2, label="probability of a slump, smoothed")
    on_path = [year + 0.125 for year, state in zip(years, reading.path.tolist(), strict=False) if state == slump]
    axes.plot(on_path, [1.06] * len(on_path), "s", color="C3", markersize=3, label="slump on the most probable path")
    axes.set_ylim(0.0, 1.3)
    axes.set_yticks([0.0, 0.25, 0.5, 0.75, 1.0])
    axes.set_xlim(years[0], years[-1])
    axes.set_ylabel("probability")
    axes.set_xlabel("year")
    axes.legend(loc="upper center", ncols=3, fontsize="small")

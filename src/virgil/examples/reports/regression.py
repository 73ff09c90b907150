"""The report of the regression demo."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from torch import Tensor

from virgil.examples.reports.output import new_figure, print_table, save, say
from virgil.infer import Fit

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["Normal", "deviations", "draw", "report"]


class Normal(NamedTuple):
    """Means and standard deviations of the coefficients. Shape: ``(inputs,)`` each."""

    mean: Tensor
    sd: Tensor


def deviations(fitted: Normal, exact: Normal) -> Tensor:
    """How far the fitted means are from the exact ones, in exact sds. Shape: ``(inputs,)``."""
    return (fitted.mean.double() - exact.mean) / exact.sd


def report(names: Sequence[str], fitted: Normal, exact: Normal, fit: Fit) -> None:
    """Print the table of coefficients, and how far they are off."""
    say(f"Linear regression on the diabetes data, {fit.num_steps} steps of mini-batches in {fit.wall_time:.1f} s.")
    off = deviations(fitted, exact)
    columns = (fitted.mean, exact.mean, fitted.sd, exact.sd)
    rows = [
        [name, *(f"{column[i].item():.3f}" for column in columns), f"{off[i].item():+.2f}"]
        for i, name in enumerate(names)
    ]
    print_table(["coefficient", "mean", "exact mean", "sd", "exact sd", "off (exact sds)"], rows)
    ratio = fitted.sd.double() / exact.sd
    say(
        f"Means are within {off.abs().max().item():.2f} exact sds, sds within {(ratio - 1).abs().max().item():.1%}. "
        "The guide's family contains the exact posterior, so what is left is the noise of mini-batches."
    )


def draw(names: Sequence[str], fitted: Normal, exact: Normal, fit: Fit, path: Path) -> None:
    """Draw loss and gradient norms on the left, the coefficients with their intervals on the right."""
    figure = new_figure(11.0, 6.0)
    panels = figure.subplot_mosaic([["loss", "coefficients"], ["norms", "coefficients"]])
    panels["loss"].sharex(panels["norms"])
    panels["loss"].tick_params(labelbottom=False)
    fit.plot(axes=[panels["loss"], panels["norms"]])
    _draw_coefficients(panels["coefficients"], names, fitted, exact)
    save(figure, path)


def _draw_coefficients(axes: Axes, names: Sequence[str], fitted: Normal, exact: Normal) -> None:
    places = range(len(names))
    for shift, color, label, (mean, sd) in ((-0.15, "C0", "fitted", fitted), (0.15, "black", "exact", exact)):
        heights = [place + shift for place in places]
        axes.errorbar(
            mean.tolist(), heights, xerr=(2 * sd).tolist(), fmt="o", color=color, markersize=4, capsize=2, label=label
        )
    axes.axvline(0.0, color="0.7", linewidth=0.8)
    axes.set_yticks(list(places), names)
    axes.invert_yaxis()
    axes.set_xlabel("coefficient, mean ± 2 sd (sds of the target per sd of the input)")
    axes.set_title("Posterior of the coefficients")
    axes.legend(loc="upper right", fontsize="small")

"""The picture of a run: loss and gradient norms."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from os import PathLike
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from virgil.errors import ArgumentError
from virgil.infer.plots.figure import new_figure, saved

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["plot_fit"]

_LABELLED = 10  # more curves than that and a legend says nothing
_FEW_DECADES = 2.0  # within them the powers of ten alone are too few ticks


def plot_fit(
    losses: Tensor,
    gradient_norms: Mapping[str, Tensor],
    filename: str | PathLike[str] | None = None,
    axes: Sequence[Axes] | None = None,
) -> Figure:
    """Two panels above one another: loss in nats, and gradient norms on a log scale, against steps."""
    if not len(losses):
        raise ArgumentError("A run without steps has nothing to draw.")
    if axes is None:
        axes = new_figure(8.0, 6.0).subplots(2, 1, sharex=True)
    if len(axes) != 2:
        raise ArgumentError(f"plot() got {len(axes)} axes; it takes two, for the loss and for the gradient norms.")
    upper, lower = axes
    _draw_losses(upper, losses)
    _draw_norms(lower, gradient_norms)
    lower.set_xlabel("step")
    for panel in (upper, lower):
        panel.set_xlim(0, max(2, len(losses)))
        panel.grid(color="0.92", linewidth=0.8)
        panel.set_axisbelow(True)
    figure = upper.get_figure(root=True)
    if figure is None:
        raise ArgumentError("plot() got axes that belong to no figure any more.")
    return saved(figure, filename)


def _window(losses: Tensor) -> int:
    return max(1, len(losses) // 50)


def _trailing_mean(values: Tensor, window: int) -> Tensor:
    """The mean of the last ``window`` values, of all there are at the beginning."""
    totals = values.double().cumsum(0)
    before = torch.cat([totals.new_zeros(window), totals[:-window]])
    counts = torch.arange(1, len(values) + 1).clamp(max=window)
    return (totals - before) / counts


def _draw_losses(axes: Axes, losses: Tensor) -> None:
    losses = losses.double()
    steps, window = range(1, len(losses) + 1), _window(losses)
    smooth = _trailing_mean(losses, window)
    if window > 1:
        axes.plot(steps, losses, color="0.78", linewidth=0.6, label="each step")
        axes.plot(steps, smooth, color="C0", label=f"mean of {window} steps")
        axes.legend(loc="upper right", fontsize="small")
    else:
        axes.plot(steps, losses, color="C0")
    axes.set_ylabel("loss (nats)")
    settled = losses[len(losses) // 10 :]
    low, high = torch.quantile(settled, torch.tensor([0.005, 0.995], dtype=losses.dtype)).tolist()
    if low > 0 and high > 20 * settled.median():
        _log_scale(axes, losses)
    else:  # what matters is how the run ends; its beginning may come from far above
        span = max(high - low, 1e-6)
        axes.set_ylim(low - 0.1 * span, high + 0.6 * span)


def _draw_norms(axes: Axes, gradient_norms: Mapping[str, Tensor]) -> None:
    window, drawn = 1, []
    # the guide's own name, if it is before each of its parameters, says nothing
    owners = {name.partition(".")[0] for name in gradient_norms}
    shared = len(min(owners)) + 1 if len(owners) == 1 < len(gradient_norms) else 0
    for name, norms in gradient_norms.items():
        window = _window(norms)
        drawn.append(_trailing_mean(norms, window))
        axes.plot(range(1, len(norms) + 1), drawn[-1], linewidth=1.0, label=name[shared:])
    axes.set_ylabel("gradient norm" if window == 1 else f"gradient norm, mean of {window} steps")
    positive = [norms[norms > 0] for norms in drawn]
    _log_scale(axes, torch.cat(positive) if positive else torch.ones(1))
    if 0 < len(gradient_norms) <= _LABELLED:
        axes.legend(loc="upper center", bbox_to_anchor=(0.5, -0.2), ncols=min(3, len(drawn)), fontsize="small")


def _log_scale(axes: Axes, values: Tensor) -> None:
    axes.set_yscale("log")
    if len(values) and torch.log10(values.max() / values.min()) < _FEW_DECADES:
        from matplotlib.ticker import LogLocator, NullFormatter, StrMethodFormatter  # noqa: PLC0415 - an optional dependency

        axes.yaxis.set_major_locator(LogLocator(subs=(1.0, 2.0, 5.0)))
        axes.yaxis.set_major_formatter(StrMethodFormatter("{x:g}"))
        axes.yaxis.set_minor_formatter(NullFormatter())

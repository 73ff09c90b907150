"""The picture of a run: loss and gradient norms. The one door to matplotlib in this folder."""

from __future__ import annotations

from collections.abc import Mapping
from os import PathLike
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from virgil.errors import ArgumentError

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["plot_fit"]

_LABELLED = 10  # more curves than that and a legend says nothing


def plot_fit(
    losses: Tensor, gradient_norms: Mapping[str, Tensor], filename: str | PathLike[str] | None = None
) -> Figure:
    """Two panels above one another: loss in nats, and gradient norms on a log scale, against steps."""
    try:
        from matplotlib.figure import Figure  # noqa: PLC0415 - an optional dependency at its door
    except ImportError:
        raise ArgumentError('Drawing needs matplotlib: pip install "virgil-ppl[plot]".') from None
    if not len(losses):
        raise ArgumentError("A run without steps has nothing to draw.")
    figure = Figure(figsize=(8.0, 6.0), layout="constrained")
    upper, lower = figure.subplots(2, 1, sharex=True)
    _draw_losses(upper, losses)
    _draw_norms(lower, gradient_norms)
    lower.set_xlabel("step")
    if filename is not None:
        figure.savefig(filename, dpi=150)
    return figure


def _moving_average(values: Tensor, window: int) -> Tensor:
    totals = torch.cat([values.new_zeros(1), values.cumsum(0)])
    return (totals[window:] - totals[:-window]) / window


def _draw_losses(axes: Axes, losses: Tensor) -> None:
    losses = losses.double()
    window = max(1, len(losses) // 100)
    axes.plot(losses, color="0.75", linewidth=0.8, label="each step")
    if window > 1:
        smooth = _moving_average(losses, window)
        axes.plot(range(window - 1, len(losses)), smooth, color="C0", label=f"mean of {window} steps")
    low, high = torch.quantile(losses, torch.tensor([0.005, 0.995], dtype=losses.dtype)).tolist()
    span = max(high - low, 1e-6)
    settled = losses[len(losses) // 10 :]
    positive = bool((losses > 0).all())
    if positive and high > 20 * settled.median():
        axes.set_yscale("log")
    else:
        axes.set_ylim(low - 0.05 * span, high + 0.05 * span)
    axes.set_ylabel("loss (nats)")
    axes.legend(loc="upper right")


def _draw_norms(axes: Axes, gradient_norms: Mapping[str, Tensor]) -> None:
    for name, norms in gradient_norms.items():
        window = max(1, len(norms) // 100)
        axes.plot(range(window - 1, len(norms)), _moving_average(norms.double(), window), linewidth=1.0, label=name)
    axes.set_yscale("log")
    axes.set_ylabel("gradient norm")
    if 0 < len(gradient_norms) <= _LABELLED:
        axes.legend(loc="upper right", fontsize="small")

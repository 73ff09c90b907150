"""Drawings of one distribution each, on given axes: a density, probabilities, or draws."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from matplotlib.axes import Axes
from torch import Tensor

from virgil.distributions.core.validation import unchecked

__all__ = ["bars", "curves", "disc", "paths", "plane", "triangle"]

COLOURS = ("#1f5a99", "#d9772b")
MAP = "Blues"


def curves(axes: Axes, fn: Any, low: float | None = None, high: float | None = None) -> None:
    """Densities of single numbers, over what lies between extreme quantiles of draws."""
    if low is None or high is None:
        low, high = _ends(fn.sample((4001,)).double())
    margin = 0.05 * (high - low)
    x = torch.linspace(low - margin, high + margin, 601, dtype=torch.double)
    values = x.unsqueeze(-1).expand(-1, 2)
    heights = np.where(fn.support.check(values), _density(fn, values), 0.0)
    for entry, colour in enumerate(COLOURS):
        axes.plot(x, heights[:, entry], color=colour, linewidth=1.1)
        axes.fill_between(x, heights[:, entry], color=colour, alpha=0.12, linewidth=0)
    highest = np.nanmax(heights)
    usual = np.nanquantile(heights, 0.97) * 1.6
    axes.set_ylim(0, 1.08 * min(highest, usual) if highest > 2 * usual else 1.08 * highest)


def _ends(draws: Tensor) -> tuple[float, float]:
    """Bounds that leave out few draws, and the far ends of heavy tails."""
    levels = torch.tensor([0.015, 0.25, 0.5, 0.75, 0.985], dtype=torch.double)
    least, lower, middle, upper, largest = draws.quantile(levels, 0)
    reach = 6 * (upper - lower)
    low, high = torch.maximum(least, middle - reach), torch.minimum(largest, middle + reach)
    return low.min().item(), high.max().item()


def bars(axes: Axes, fn: Any, values: Tensor, numbered: bool = False) -> None:
    """Probabilities of values, of which numbers stand where they are and others in their order."""
    listed = values.reshape(len(values), *[1] * len(fn.batch_shape), *fn.event_shape)
    shown = _density(fn, listed.expand(len(values), *fn.batch_shape, *fn.event_shape))
    places = np.arange(len(values)) if numbered else values.numpy()
    kept = np.flatnonzero((shown > 2e-3).any(-1))
    places, shown = places[kept[0] : kept[-1] + 1], shown[kept[0] : kept[-1] + 1]
    width = 0.4 * min(np.diff(places).min() if len(places) > 1 else 1, 1)
    for entry, colour in enumerate(COLOURS):
        axes.bar(places + (entry - 0.5) * width, shown[:, entry], width, color=colour, linewidth=0)
    axes.xaxis.get_major_locator().set_params(integer=True)


def plane(axes: Axes, fn: Any, angles: bool = False) -> None:
    """The density of vectors of two numbers, of the first entry of the batch."""
    draws = fn.sample((4001,)).double()[:, 0]
    ends = draws.quantile(torch.tensor([0.01, 0.99], dtype=torch.double), 0)
    ends = torch.tensor([[-torch.pi] * 2, [torch.pi] * 2]) if angles else ends
    sides = [torch.linspace(*ends[:, side].tolist(), 81, dtype=torch.double) for side in (0, 1)]
    x, y = torch.meshgrid(*sides, indexing="xy")
    height = _density(fn, torch.stack([x, y], -1).unsqueeze(-2).expand(81, 81, 2, 2))[..., 0]
    axes.contourf(x, y, height, levels=9, cmap=MAP)


def triangle(axes: Axes, fn: Any, counts: Tensor | None = None) -> None:
    """The density of vectors on the simplex, or the probabilities of counts with a fixed sum."""
    if counts is None:
        first, second = torch.meshgrid(*[torch.linspace(0.004, 0.992, 121, dtype=torch.double)] * 2, indexing="ij")
        inside = first + second < 0.997
        points = torch.stack([first[inside], second[inside], 1 - first[inside] - second[inside]], -1)
    else:
        points = counts.double()
    height = _density(fn, points.unsqueeze(-2).expand(len(points), 2, 3))[:, 0]
    weights = points / points.sum(-1, keepdim=True)
    x, y = weights[:, 1] + weights[:, 2] / 2, weights[:, 2] * np.sqrt(3) / 2
    axes.plot([0, 1, 0.5, 0], [0, 0, np.sqrt(3) / 2, 0], color="0.6", linewidth=0.7)
    if counts is None:
        top = np.quantile(height, 0.98)
        axes.tricontourf(x, y, np.minimum(height, top), levels=9, cmap=MAP)
    else:
        axes.scatter(x, y, s=220 * height, color=COLOURS[0], linewidths=0)
    axes.set_aspect("equal")
    axes.axis("off")


def disc(axes: Axes, fn: Any) -> None:
    """The density of unit vectors in three dimensions, by longitude and latitude."""
    longitude, latitude = torch.meshgrid(
        torch.linspace(-torch.pi, torch.pi, 121, dtype=torch.double),
        torch.linspace(-torch.pi / 2, torch.pi / 2, 61, dtype=torch.double),
        indexing="xy",
    )
    across = latitude.cos()
    points = torch.stack([across * longitude.cos(), across * longitude.sin(), latitude.sin()], -1)
    height = _density(fn, points.unsqueeze(-2).expand(*points.shape[:-1], 2, 3))[..., 0]
    axes.contourf(longitude, latitude, height, levels=9, cmap=MAP)


def paths(axes: Axes, fn: Any, times: Tensor | None = None) -> None:
    """Some draws of a series of numbers."""
    draws = fn.sample((4,)).reshape(4, -1)
    for draw in draws:
        x = torch.arange(1, draw.numel() + 1) if times is None else times
        axes.plot(x, draw, color=COLOURS[0], alpha=0.65, linewidth=0.9)


def _density(fn: Any, value: Tensor) -> Any:
    with unchecked():
        return fn.log_prob(value).exp().nan_to_num(0.0, 0.0, 0.0).detach().double().numpy()

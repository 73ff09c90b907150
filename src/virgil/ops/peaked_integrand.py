"""Nodes for the integral of a function of which neither place nor width of the peak is known."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

__all__ = ["nodes_around_peak"]

LogIntegrand = Callable[[Tensor], Tensor]

_NEGLIGIBLE = 34.0  # nats below the largest value of the integrand
_SMALL_BATCH = 32  # up to which an operator takes about as long at many nodes as at few


def nodes_around_peak(log_integrand: LogIntegrand, reach: Tensor, points: int) -> tuple[Tensor, Tensor]:
    """Nodes where an integrand is not negligible, and logarithms of their weights, for an integral over all numbers.

    They are equally spaced in v, with ``node = centre + scale * sinh(v)`` around the steeper of the integrand's two
    flanks, where it may fall faster by far than on the other side. The trapezoidal rule in v converges exponentially
    for analytic integrands that decay on both sides *(Trefethen and Weideman 2014)*.

    Args:
        log_integrand: from nodes, Shape: ``(*batch, n)`` for any n, to logarithms of the same shape. It rises up to a
            maximum and falls from there, but for humps as wide as a fortieth of the reach.
        reach: the maximum is sought between minus and plus this. Shape: ``(*batch, 1)``.
        points: how many nodes.

    Returns:
        Shape: ``(*batch, points)`` each.
    """
    low, high, low_flank, high_flank = _levels(log_integrand, reach)
    left = low_flank - low < high - high_flank
    centre = torch.where(left, low + low_flank, high + high_flank) / 2
    scale = 2 * torch.where(left, low_flank - low, high - high_flank)
    first, last = torch.asinh((low - centre) / scale), torch.asinh((high - centre) / scale)
    steps = torch.linspace(0.0, 1.0, points, dtype=torch.double, device=low.device)
    v = first + (last - first) * steps
    return centre + scale * v.sinh(), (scale * v.cosh() * (last - first) / (points - 1)).log()


def _levels(log_integrand: LogIntegrand, reach: Tensor) -> tuple[Tensor, ...]:
    """Where the integrand is negligible, on the left and on the right, and where it is near its maximum.

    Shape: ``(*batch, 1)`` each.
    """
    width = cell = reach / 40
    grid = reach * torch.linspace(-1.0, 1.0, 81, dtype=torch.double, device=reach.device)
    values = log_integrand(grid)
    centre, top = _highest(grid, values)
    # a search in steps that are finer and finer
    finer, rounds = (64, 3) if reach.numel() <= _SMALL_BATCH else (8, 6)
    steps = torch.linspace(-1.0, 1.0, 2 * finer + 1, dtype=torch.double, device=reach.device)
    for _ in range(rounds):
        inner = centre + width * steps
        centre, top = _highest(inner, log_integrand(inner))
        width = width / finer
    top = torch.maximum(top, values.amax(-1, keepdim=True))
    ends, level = [], []
    for drop in (_NEGLIGIBLE, 2.0):
        above = torch.where(values > top - drop, grid, centre)
        ends += [above.amin(-1, keepdim=True) - cell, above.amax(-1, keepdim=True) + cell]
        level += [top - drop, top - drop]
    end, bound = torch.stack(ends, -2), torch.stack(level, -2)  # (*batch, 4, 1)
    parts = torch.tensor([[1.0], [-1.0], [1.0], [-1.0]]).to(end) * torch.linspace(0.0, 1.0, finer + 1).to(end)
    for _ in range(rounds):
        tried = end + cell.unsqueeze(-1) * parts
        below = log_integrand(tried.flatten(-2)).unflatten(-1, (4, finer + 1)) <= bound
        moved = (below.to(end).cumprod(-1).sum(-1, keepdim=True) - 1).clamp_min(0.0)
        end = end + cell.unsqueeze(-1) * moved * parts[:, 1:2]
        cell = cell / finer
    return end.squeeze(-1).unsqueeze(-2).unbind(-1)


def _highest(nodes: Tensor, values: Tensor) -> tuple[Tensor, Tensor]:
    top, place = values.max(-1, keepdim=True)
    return nodes.expand(values.shape).gather(-1, place), top

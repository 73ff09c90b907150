"""Quantiles of counts, by a search on the distribution function."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

__all__ = ["count_quantile"]

_MOST_DOUBLINGS = 60


def count_quantile(cdf: Callable[[Tensor], Tensor], mass: Tensor, low: Tensor, high: Tensor) -> Tensor:
    """The least integer from ``low`` on at which the distribution function has reached a mass.

    The interval doubles until its upper end has the mass, and is halved until it holds one integer. It has no
    derivative. The function is asked about ``2 * log2(k - low)`` times for a quantile k.

    Args:
        cdf: the mass at or below a value, elementwise.
        mass: in [0, 1]; the quantile of another number is NaN.
        low: the least value of the counts.
        high: the greatest, or infinity; the quantile of mass 1.

    Returns:
        Whole numbers in the dtype of ``low``. Shape: that of all arguments, broadcast.

    >>> fair = lambda k: (k.floor() + 1) / 6
    >>> count_quantile(fair, torch.tensor([0.1, 0.5]), torch.zeros(2), torch.full((2,), 5.0))
    tensor([0., 2.])
    """
    mass, low, high = torch.broadcast_tensors(mass.detach(), low.detach(), high.detach())
    is_inner = (mass > 0) & (mass < 1)
    before, reached = low - 1, torch.minimum(low + 1, high)
    for _ in range(_MOST_DOUBLINGS):
        short = is_inner & (reached < high) & (cdf(reached) < mass)
        if not bool(short.any()):
            break
        before = torch.where(short, reached, before)
        reached = torch.where(short, torch.minimum(low + 2 * (reached - low), high), reached)
    while bool((is_inner & (reached - before > 1)).any()):
        middle = torch.maximum(((before + reached) / 2).floor(), low)
        enough = cdf(middle) >= mass
        before, reached = torch.where(enough, before, middle), torch.where(enough, middle, reached)
    found = torch.where(mass == 1, high, torch.where(mass == 0, low, reached))
    return torch.where((mass >= 0) & (mass <= 1), found, torch.nan)

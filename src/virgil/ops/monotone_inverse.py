"""The inverse of an increasing function, by Newton's method inside of an interval that shrinks."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

__all__ = ["invert_increasing", "newton_in_logarithms"]

_STEPS = 60  # every first of two halves the interval, by a factor of 1e9 in all; Newton's do the rest
_CONCAVE_STEPS = 24  # a step halves the distance in standard deviations, then doubles the digits


def invert_increasing(fn: Callable[[Tensor], tuple[Tensor, Tensor]], y: Tensor, low: Tensor, high: Tensor) -> Tensor:
    """The x between ``low`` and ``high`` with ``fn(x) == y``, elementwise, and its derivative.

    The derivative is that of the implicit function: one step of Newton's from the solution, in which the slope is a
    constant, has it. It is right to first order.

    Args:
        fn: an increasing function, which gives its value and the logarithm of its slope.
        y: the values.
        low: bounds of the solutions from below.
        high: bounds of the solutions from above.

    Returns:
        The solution, and NaN where there is none between the bounds. Shape: that of ``y``.
    """
    with torch.no_grad():
        there = (fn(low)[0] <= y) & (y <= fn(high)[0])
        x = (low + high) / 2
        for step in range(_STEPS):
            value, log_slope = fn(x)
            low, high = torch.where(value <= y, x, low), torch.where(value >= y, x, high)
            halved = (low + high) / 2
            newton = x - (value - y) * (-log_slope).exp()
            x = torch.where((newton >= low) & (newton <= high), newton, halved) if step % 2 else halved
    value, log_slope = fn(x)
    x = x - (value - y) * (-log_slope).exp().detach()
    return torch.where(there, x, torch.nan)


def newton_in_logarithms(fn: Callable[[Tensor], tuple[Tensor, Tensor]], y: Tensor, start: Tensor) -> Tensor:
    """The x with ``fn(x) == y`` for a monotone concave function, elementwise, and its derivative of first order.

    Args:
        fn: the function, which gives its value and its slope.
        y: the values.
        start: points with ``fn(start) <= y``, from which Newton's steps never pass the solution.
    """
    with torch.no_grad():
        x = start
        for _ in range(_CONCAVE_STEPS):
            value, slope = fn(x)
            x = x - (value - y) / slope
    value, slope = fn(x)
    return x - (value - y) / slope.detach()

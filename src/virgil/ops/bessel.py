"""Modified Bessel functions of the first kind, as logarithms."""

from __future__ import annotations

import torch
from torch import Tensor

from virgil.errors import ArgumentError, shown

__all__ = ["log_bessel_i"]


def log_bessel_i(orders: int, value: Tensor, terms: int = 250) -> Tensor:
    r"""The logarithms of :math:`I_0(z), \ldots, I_m(z)`.

    Order 0 is torch's. The ratios :math:`r_v = I_{v+1}(z) / I_v(z)` follow by the backward recurrence
    :math:`r_v = z / (2 (v + 1) + z r_{v+1})`, which is stable *(Gautschi 1967)*, from
    :math:`z / (v + \tfrac12 + \sqrt{(v + \tfrac32)^2 + z^2})` at an order above *(Amos 1974, equation 9)*. No
    exponential of ``z`` is taken.

    Args:
        orders: the highest order, ``m``.
        value: the arguments ``z``, not negative.
        terms: how far above the highest order the recurrence begins. The relative error is below 1e-12 at 250, and
            below 1e-8 at 30.

    Returns:
        Shape: ``(orders + 1, *value.shape)``.

    Raises:
        ArgumentError: a negative order.

    >>> log_bessel_i(1, torch.tensor(1000.0))
    tensor([995.6273, 995.6268])
    """
    if orders < 0:
        raise ArgumentError(f"log_bessel_i got orders={shown(orders)}; the highest order is 0 or more.")
    top = orders + terms
    ratio = value / (top + 0.5 + (value.square() + (top + 1.5) ** 2).sqrt())
    logs = []
    for order in range(top - 1, -1, -1):
        ratio = value / (2 * (order + 1) + value * ratio)
        if order < orders:
            logs.append(ratio.log())
    first = torch.special.i0e(value).log() + value
    return torch.stack([first, *reversed(logs)]).cumsum(0)

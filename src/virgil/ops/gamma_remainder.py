"""The remainder of Stirling's formula, and powers of the gamma function's size without cancellation."""

from __future__ import annotations

import math

import torch
from torch import Tensor

__all__ = ["LARGE", "stirling_remainder"]

LARGE = 20.0
_SERIES = (1 / 12, -1 / 360, 1 / 1260, -1 / 1680, 1 / 1188, -691 / 360360, 1 / 156)


def stirling_remainder(a: Tensor) -> Tensor:
    r""":math:`\log \Gamma(a) - (a - 1/2) \log a + a - \log(2 \pi) / 2`, which is about ``1 / (12 * a)``.

    From 20 on it is the asymptotic series, so that no digits cancel; below, the difference. a is in double precision.

    >>> stirling_remainder(torch.tensor(1e9, dtype=torch.double)) * 12
    tensor(1.0000e-09, dtype=torch.float64)
    """
    is_large = a > LARGE
    large, small = torch.where(is_large, a, LARGE), torch.where(is_large, 1.0, a)
    inverse = 1 / large
    series = torch.zeros_like(inverse)
    for coefficient in reversed(_SERIES):
        series = series * inverse.square() + coefficient
    difference = torch.lgamma(small) - (small - 0.5) * small.log() + small - math.log(2 * math.pi) / 2
    return torch.where(is_large, series * inverse, difference)

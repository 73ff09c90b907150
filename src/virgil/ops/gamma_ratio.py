"""Ratios of gamma functions at arguments that differ by halves, as logarithms."""

from __future__ import annotations

import torch
from torch import Tensor

__all__ = ["log_gamma_ratio", "log_half_step"]

_SHIFT = 8
# -(1 - 4**-n) * B(2n) / (n * (2n - 1)) with Bernoulli numbers B, for the powers 1 - 2n of a
_SERIES = (
    -1 / 8,
    1 / 192,
    -1 / 640,
    17 / 14336,
    -31 / 18432,
    691 / 180224,
    -5461 / 425984,
    929569 / 15728640,
    -3202291 / 8912896,
)


def log_half_step(a: Tensor) -> Tensor:
    r""":math:`\log \Gamma(a + 1/2) - \log \Gamma(a)`, without a difference of large terms.

    It is the asymptotic series *(Tricomi and Erdelyi 1951)* at :math:`a + 8`, and eight whole steps down. The relative
    error is of the size of rounding wherever the ratio is not one.

    >>> log_half_step(torch.tensor(1e12, dtype=torch.double))
    tensor(13.8155, dtype=torch.float64)
    """
    far = a + _SHIFT
    inverse = far.reciprocal()
    square = inverse.square()
    series = torch.full_like(a, _SERIES[-1])
    for coefficient in reversed(_SERIES[:-1]):
        series = series * square + coefficient
    down = torch.log1p(0.5 / (a.unsqueeze(-1) + _range(_SHIFT, a))).sum(-1)
    return far.log() / 2 + series * inverse - down


def log_gamma_ratio(a: Tensor, halves: int) -> Tensor:
    r""":math:`\log \Gamma(a + m / 2) - \log \Gamma(a)` for a whole number m, without a difference of large terms.

    Whole steps are :math:`\Gamma(a + 1) = a \Gamma(a)`.

    Args:
        a: > 0.
        halves: m, not negative.
    """
    if halves % 2 == 0:
        return _steps(a, halves // 2)
    return log_half_step(a) + _steps(a + 0.5, halves // 2)


def _steps(a: Tensor, count: int) -> Tensor:
    return (a.unsqueeze(-1) + _range(count, a)).log().sum(-1)


def _range(count: int, like: Tensor) -> Tensor:
    return torch.arange(count, dtype=like.dtype, device=like.device)

"""Ratios of gamma functions at arguments that differ by halves, as logarithms."""

from __future__ import annotations

import torch
from torch import Tensor

__all__ = ["log_gamma_ratio"]

_SHIFT = 20
# of log(gamma(a + 1/2) / gamma(a)) - log(a) / 2, for the powers -1, -3, ... of a; the next one is below 1e-16 at 20
_SERIES = (-1 / 8, 1 / 192, -1 / 640, 17 / 14336, -31 / 18432)


def log_gamma_ratio(a: Tensor, halves: int) -> Tensor:
    r""":math:`\log \Gamma(a + m / 2) - \log \Gamma(a)` for a whole number m, without a difference of large terms.

    Whole steps are :math:`\Gamma(a + 1) = a \Gamma(a)`. The half step is its asymptotic series *(Tricomi and Erdelyi
    1951)* at :math:`a + 20`, and twenty whole steps down. The relative error is of the size of rounding wherever the
    ratio is not one.

    Args:
        a: > 0.
        halves: m, not negative.

    >>> log_gamma_ratio(torch.tensor(1e12, dtype=torch.double), 1)
    tensor(13.8155, dtype=torch.float64)
    """
    if halves % 2 == 0:
        return _steps(a, halves // 2)
    far = a + _SHIFT
    inverse = 1 / far
    series = torch.zeros_like(a)
    for coefficient in reversed(_SERIES):
        series = series * inverse.square() + coefficient
    down = torch.log1p(0.5 / (a.unsqueeze(-1) + _range(_SHIFT, a))).sum(-1)
    return far.log() / 2 + series * inverse - down + _steps(a + 0.5, halves // 2)


def _steps(a: Tensor, count: int) -> Tensor:
    return (a.unsqueeze(-1) + _range(count, a)).log().sum(-1)


def _range(count: int, like: Tensor) -> Tensor:
    return torch.arange(count, dtype=like.dtype, device=like.device)

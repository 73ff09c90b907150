"""Functions divided by their argument, which stay exact where it is zero."""

from __future__ import annotations

import torch
from torch import Tensor

__all__ = ["atan_ratio", "expm1_ratio", "log1p_ratio"]

_NEAR = 0.02  # below this the series has sixteen digits


def log1p_ratio(x: Tensor) -> Tensor:
    """``log(1 + x) / x`` for ``x > -1``, and 1 at zero."""
    near = x.abs() < _NEAR
    apart = torch.where(near, 1.0, x)
    series = _series(torch.where(near, x, 0.0), [(-1) ** k / (k + 1) for k in range(10)])
    return torch.where(near, series, torch.log1p(apart) / apart)


def expm1_ratio(x: Tensor) -> Tensor:
    """``(exp(x) - 1) / x``, and 1 at zero."""
    near = x.abs() < _NEAR
    apart = torch.where(near, 1.0, x)
    series = _series(torch.where(near, x, 0.0), [1, 1 / 2, 1 / 6, 1 / 24, 1 / 120, 1 / 720, 1 / 5040, 1 / 40320])
    return torch.where(near, series, torch.expm1(apart) / apart)


def atan_ratio(x: Tensor) -> Tensor:
    """``atan(x) / x``, and 1 at zero."""
    near = x.abs() < _NEAR
    apart = torch.where(near, 1.0, x)
    series = _series(torch.where(near, x, 0.0).square(), [(-1) ** k / (2 * k + 1) for k in range(6)])
    return torch.where(near, series, torch.atan(apart) / apart)


def _series(x: Tensor, coefficients: list[float]) -> Tensor:
    total = torch.full_like(x, coefficients[-1])
    for each in reversed(coefficients[:-1]):
        total = total * x + each
    return total

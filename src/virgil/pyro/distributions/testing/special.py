"""Special functions of numbers."""

from __future__ import annotations

import math

import torch

__all__ = ["chi2sf", "incomplete_gamma", "log"]


def log(x: float) -> float:
    """The natural logarithm; minus infinity at 0."""
    return math.log(x) if x > 0 else -math.inf


def incomplete_gamma(x: float, s: float) -> float:
    """The share of the gamma function of ``s`` that its integral has below ``x``."""
    return float(torch.special.gammainc(_double(s), _double(x)))


def chi2sf(x: float, s: float) -> float:
    """The probability that a chi-square variable with ``s`` degrees of freedom exceeds ``x``."""
    return float(torch.special.gammaincc(_double(s) / 2, _double(max(x, 0)) / 2))


def _double(number: float) -> torch.Tensor:
    return torch.as_tensor(number, dtype=torch.double)

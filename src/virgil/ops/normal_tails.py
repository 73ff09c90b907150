"""The tail of a normal distribution beside its density, as logarithms."""

from __future__ import annotations

import math

import torch
from torch import Tensor

__all__ = ["log_exponential_normal", "log_mills_ratio"]

_FAR = 20.0
_LOG_ROOT = math.log(2 * math.pi) / 2  # less the log-density of a standard normal number at 0


def log_mills_ratio(x: Tensor) -> Tensor:
    r""":math:`\log(\Phi(-x) / \varphi(x))`, exact in both tails.

    >>> log_mills_ratio(torch.tensor(1e4)).exp() * 1e4
    tensor(1.0000)
    """
    right, above = _both_sides(x)
    below = torch.where(right, 0.0, x)
    return torch.where(right, above, _log_upper(above, below) + below.square() / 2 + _LOG_ROOT)


def _both_sides(x: Tensor) -> tuple[Tensor, Tensor]:
    """True where x is positive, and ``log_mills_ratio(abs(x))``."""
    right = x > 0
    size = torch.where(right, x, -x)  # at zero the absolute value has a derivative of zero
    far = size > _FAR
    near = torch.special.erfcx(torch.where(far, 0.0, size) / math.sqrt(2)).log() + math.log(math.pi / 2) / 2
    return right, torch.where(far, _far(torch.where(far, size, _FAR)), near)


def _log_upper(mills: Tensor, below: Tensor) -> Tensor:
    """The logarithm of the probability above a number that is not positive, from ``log_mills_ratio`` of its size."""
    return torch.log1p(-(mills - below.square() / 2 - _LOG_ROOT).exp())


def _far(x: Tensor) -> Tensor:
    """The asymptotic series, of which the derivative is exact as well; that of ``erfcx`` is a difference."""
    inverse = x.square().reciprocal()
    series = one = torch.ones_like(x)
    for n in range(17, 1, -2):
        series = torch.addcmul(one, inverse, series, value=-n)
    return torch.log1p(-inverse * series) - x.log()


def log_exponential_normal(z: Tensor, rate: Tensor) -> Tensor:
    """The log-density at z of a standard normal number plus an exponential one of this rate, less ``log(rate)``, nats.

    It is ``rate**2 / 2 - rate * z + log(ndtr(z - rate))``, which cancels far in the left tail; there the equal
    ``log_mills_ratio(rate - z)`` plus the log-density of the normal is taken.
    """
    x = rate - z
    right, mills = _both_sides(x)
    left = rate * rate / 2 - rate * z + _log_upper(mills, torch.where(right, 0.0, x))
    return torch.where(right, mills - torch.where(right, z, 0.0).square() / 2 - _LOG_ROOT, left)

"""The tail of a normal distribution beside its density, as logarithms."""

from __future__ import annotations

import math

import torch
from torch import Tensor

__all__ = ["log_exponential_normal", "log_mills_ratio"]


def log_mills_ratio(x: Tensor) -> Tensor:
    r""":math:`\log(\Phi(-x) / \varphi(x))`, exact in both tails.

    >>> log_mills_ratio(torch.tensor(1e4)).exp() * 1e4
    tensor(1.)
    """
    right = x > 0
    above = torch.special.erfcx(torch.where(right, x, 0.0) / math.sqrt(2)).log() + math.log(math.pi / 2) / 2
    below = torch.where(right, 0.0, x)
    # log_ndtr of a positive number, of which torch's derivative is exact there
    return torch.where(right, above, torch.special.log_ndtr(-below) + below.square() / 2 + math.log(2 * math.pi) / 2)


def log_exponential_normal(z: Tensor, rate: Tensor) -> Tensor:
    """The log-density at z of a standard normal number plus an exponential one of this rate, less ``log(rate)``, nats.

    It is ``rate**2 / 2 - rate * z + log(ndtr(z - rate))``, which cancels far in the left tail; there the equal
    ``log_mills_ratio(rate - z)`` plus the log-density of the normal is taken.
    """
    x = rate - z
    right = x > 0
    mills = log_mills_ratio(torch.where(right, x, 0.0)) - torch.where(right, z, 0.0).square() / 2
    left = rate * rate / 2 - rate * z + torch.special.log_ndtr(-torch.where(right, 0.0, x))
    return torch.where(right, mills - math.log(2 * math.pi) / 2, left)

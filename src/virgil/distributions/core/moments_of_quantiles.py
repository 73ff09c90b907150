"""Means over a continuous distribution of one number, by its quantile function."""

from __future__ import annotations

import math
from collections.abc import Callable

import torch
from torch import Tensor

__all__ = ["quantile_nodes"]

_NODES = 97
_REACH = 3.8  # where the mass beyond is exp(-pi * sinh(3.8)), 1e-30


def quantile_nodes(quantile: Callable[[Tensor, Tensor], Tensor], like: Tensor) -> tuple[Tensor, Tensor]:
    """Quantiles in double precision, and weights that sum to 1: a mean is a weighted sum over the first dim.

    It is the double exponential rule for the unit interval *(Takahasi and Mori 1974)*.

    Args:
        quantile: of a mass below and the mass above, which has digits of its own near zero.
        like: a tensor of the shape of the batch.
    """
    t = torch.linspace(-_REACH, _REACH, _NODES, dtype=torch.double, device=like.device)
    t = t.reshape((-1,) + (1,) * like.dim())
    u = math.pi * torch.sinh(t)
    below, above = u.sigmoid(), (-u).sigmoid()
    weights = torch.cosh(t) * below * above
    shape = (_NODES, *like.shape)
    return quantile(below.expand(shape), above.expand(shape)), weights / weights.sum(0)

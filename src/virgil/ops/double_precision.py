"""Double precision inside a formula whose terms are large and cancel."""

from __future__ import annotations

from collections.abc import Callable
from functools import reduce

import torch
from torch import Tensor

__all__ = ["in_double"]


def in_double(formula: Callable[..., Tensor], *tensors: Tensor) -> Tensor:
    """The formula's value at the tensors, computed in double precision and rounded to their common dtype.

    ``lgamma(1e6)`` is 1.3e7, of which a float32 keeps the ones. Log-densities of counts and concentrations of this size
    are differences of such terms, and of the size of one.
    """
    dtype = reduce(torch.promote_types, [each.dtype for each in tensors])
    return formula(*(each.double() for each in tensors)).to(dtype)

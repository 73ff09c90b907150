"""The one shape function that programs import from here."""

from __future__ import annotations

from torch import Tensor

__all__ = ["sum_rightmost"]


def sum_rightmost(value: Tensor | float, dim: int) -> Tensor | float:
    """The sum over the ``dim`` rightmost dims; with a negative number, over all but the ``-dim`` leftmost.

    >>> import torch
    >>> sum_rightmost(torch.ones(2, 3, 4), 2)
    tensor([12., 12.])
    """
    if not isinstance(value, Tensor):
        return value
    count = dim if dim >= 0 else value.dim() + dim
    if count <= 0:
        return value
    if count >= value.dim():
        return value.sum()
    return value.reshape((*value.shape[: value.dim() - count], -1)).sum(-1)

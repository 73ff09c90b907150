"""Products, expansions and triangles of the rightmost dims of tensors."""

from __future__ import annotations

import torch
from torch import Tensor

__all__ = ["lexpand", "rdiag", "rexpand", "rmm", "rmv", "rtril", "rvv"]


def rvv(a: Tensor, b: Tensor) -> Tensor:
    """Inner products of vectors. Shape: ``(*batch, n)`` and ``(*batch, n)`` to ``(*batch,)``."""
    return (a * b).sum(-1)


def rmv(A: Tensor, b: Tensor) -> Tensor:
    """Products of matrices and vectors. Shape: ``(*batch, m, n)`` and ``(*batch, n)`` to ``(*batch, m)``."""
    return (A @ b.unsqueeze(-1)).squeeze(-1)


def rmm(A: Tensor, B: Tensor) -> Tensor:
    """Products of matrices. Shape: ``(*batch, m, n)`` and ``(*batch, n, k)`` to ``(*batch, m, k)``."""
    return A @ B


def rexpand(A: Tensor, *dimensions: int) -> Tensor:
    """A tensor repeated along new dims on the right. Shape: ``(*A.shape, *dimensions)``."""
    return A.reshape(A.shape + (1,) * len(dimensions)).expand(A.shape + tuple(dimensions))


def lexpand(A: Tensor, *dimensions: int) -> Tensor:
    """A tensor repeated along new dims on the left. Shape: ``(*dimensions, *A.shape)``."""
    return A.expand(tuple(dimensions) + A.shape)


def rdiag(v: Tensor) -> Tensor:
    """Diagonal matrices. Shape: ``(*batch, n)`` to ``(*batch, n, n)``."""
    return torch.diag_embed(v)


def rtril(M: Tensor, diagonal: int = 0, upper: bool = False) -> Tensor:
    """The lower triangles of matrices, or the upper ones.

    Args:
        M: the matrices. Shape: ``(*batch, m, n)``.
        diagonal: the highest diagonal that is kept, or the lowest of an upper triangle.
        upper: take the upper triangles.
    """
    return M.triu(diagonal) if upper else M.tril(diagonal)

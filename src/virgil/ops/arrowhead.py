"""Arrowhead matrices: the first rows are dense, and below them there is the diagonal alone."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor

__all__ = ["SymmArrowhead", "TriuArrowhead", "sqrt", "triu_gram", "triu_inverse", "triu_matvecmul"]


class SymmArrowhead(NamedTuple):
    """A symmetric matrix: its first rows, ``(head, size)``, and the rest of its diagonal, ``(size - head,)``.

    The first columns mirror the rows; all else is zero.
    """

    top: Tensor
    bottom_diag: Tensor


class TriuArrowhead(NamedTuple):
    """An upper triangular matrix: its first rows and the rest of its diagonal, shaped as those of the other."""

    top: Tensor
    bottom_diag: Tensor


def sqrt(x: SymmArrowhead) -> TriuArrowhead:
    """The upper triangular ``U`` with ``U @ U.mT`` the positive definite matrix ``x``.

    With blocks ``A``, ``B`` and a diagonal ``D`` of ``x`` the blocks of ``U`` are the upper factor of
    ``A - B @ inv(D) @ B.mT``, then ``B / sqrt(D)``, and ``sqrt(D)``.
    """
    head = len(x.top)
    diagonal = x.bottom_diag.sqrt()
    right = x.top[:, head:] / diagonal
    rest = x.top[:, :head] - right @ right.mT
    left = torch.linalg.cholesky(rest.flip(-2, -1)).flip(-2, -1)
    return TriuArrowhead(torch.cat([left, right], -1), diagonal)


def triu_inverse(x: TriuArrowhead) -> TriuArrowhead:
    """The inverse of an upper triangular matrix, which has the same form."""
    head = len(x.top)
    identity = torch.eye(head, dtype=x.top.dtype, device=x.top.device)
    left = torch.linalg.solve_triangular(x.top[:, :head], identity, upper=True)
    diagonal = x.bottom_diag.reciprocal()
    return TriuArrowhead(torch.cat([left, -(left @ x.top[:, head:]) * diagonal], -1), diagonal)


def triu_matvecmul(x: TriuArrowhead, y: Tensor, transpose: bool = False) -> Tensor:
    """The product ``x @ y`` with a vector, or ``x.mT @ y``."""
    head = len(x.top)
    if not transpose:
        return torch.cat([x.top @ y, x.bottom_diag * y[head:]])
    product = x.top.mT @ y[:head]
    return torch.cat([product[:head], product[head:] + x.bottom_diag * y[head:]])


def triu_gram(x: TriuArrowhead) -> Tensor:
    """The product ``x.mT @ x``, which is dense. Shape: ``(size, size)``."""
    below = torch.nn.functional.pad(x.bottom_diag.square(), (len(x.top), 0))
    return x.top.mT @ x.top + below.diag()

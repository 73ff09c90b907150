"""Functions of small matrices, which torch's functions of matrices of any size serve as well."""

from __future__ import annotations

from contextlib import AbstractContextManager

import torch
from torch import Tensor

from virgil.ops.warning_filter import ignoring

__all__ = ["determinant_3d", "eig_3d", "ignore_torch_deprecation_warnings", "inv3d", "rinverse"]


def determinant_3d(H: Tensor) -> Tensor:
    """The determinant. Shape: ``(*batch, 3, 3)`` to ``batch``."""
    determinant: Tensor = torch.linalg.det(H)
    return determinant


def eig_3d(H: Tensor) -> tuple[Tensor, ...]:
    """The eigenvalues of a symmetric matrix, the least first."""
    values: tuple[Tensor, ...] = torch.linalg.eigvalsh(H).unbind(-1)
    return values


def inv3d(H: Tensor, sym: bool = False) -> Tensor:
    """The inverse of a matrix, :func:`rinverse`."""
    return rinverse(H, sym)


def rinverse(M: Tensor, sym: bool = False) -> Tensor:
    """The inverse of a matrix; its entries are not finite where there is none.

    Args:
        M: the matrix. Shape: ``(*batch, size, size)``.
        sym: if true, the matrix is symmetric, and so is the result.
    """
    inverse: Tensor = torch.linalg.inv_ex(M).inverse
    return (inverse + inverse.mT) / 2 if sym else inverse


def ignore_torch_deprecation_warnings() -> AbstractContextManager[None]:
    """A block in which torch does not warn of what it will remove."""
    return ignoring(UserWarning)

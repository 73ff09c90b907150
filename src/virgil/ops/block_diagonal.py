"""Block-diagonal matrices and their blocks."""

from __future__ import annotations

import torch
from torch import Tensor

from virgil.errors import ArgumentError

__all__ = ["block_diag_embed", "block_diagonal"]


def block_diag_embed(mat: Tensor) -> Tensor:
    """The matrix with these blocks on its diagonal and zeros elsewhere.

    Args:
        mat: the blocks. Shape: ``(*batch, count, rows, columns)``.

    Returns:
        Shape: ``(*batch, count * rows, count * columns)``.

    Raises:
        ArgumentError: fewer than three dims.

    >>> block_diag_embed(torch.tensor([[[1, 2]], [[3, 4]]]))
    tensor([[1, 2, 0, 0],
            [0, 0, 3, 4]])
    """
    if mat.dim() < 3:
        raise ArgumentError(f"block_diag_embed got shape {tuple(mat.shape)}; it takes (*batch, count, rows, columns).")
    count = mat.shape[-3]
    same = torch.eye(count, dtype=torch.bool, device=mat.device).reshape(count, 1, count, 1)
    return torch.where(same, mat.unsqueeze(-2), 0).reshape(*mat.shape[:-3], count * mat.shape[-2], -1)


def block_diagonal(mat: Tensor, block_size: int) -> Tensor:
    """The blocks on the diagonal of a matrix, the inverse of :func:`block_diag_embed`.

    Args:
        mat: the matrix. Shape: ``(*batch, count * rows, count * columns)``.
        block_size: the number of blocks, ``count``.

    Returns:
        Shape: ``(*batch, count, rows, columns)``.

    Raises:
        ArgumentError: the matrix does not have that many equal blocks.
    """
    if mat.dim() < 2 or mat.shape[-2] % block_size or mat.shape[-1] % block_size:
        raise ArgumentError(
            f"block_diagonal got shape {tuple(mat.shape)} and {block_size} blocks; both sizes of the matrix must be "
            "multiples of that."
        )
    blocks = mat.unflatten(-1, (block_size, -1)).unflatten(-3, (block_size, -1))
    result: Tensor = blocks.diagonal(dim1=-4, dim2=-2).movedim(-1, -3)
    return result

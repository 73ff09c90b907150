"""Shorthands for functions of torch's, with the old arguments."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from virgil.errors import ArgumentError
from virgil.ops.broadcast import broadcast_shapes

__all__ = [
    "as_complex",
    "broadcast_tensors_without_dim",
    "cholesky_solve",
    "matmul",
    "matvecmul",
    "triangular_solve",
]


def as_complex(x: Tensor) -> Tensor:
    """The complex numbers of a tensor whose last dim has real and imaginary parts."""
    return torch.complex(x[..., 0], x[..., 1])


def broadcast_tensors_without_dim(tensors: Sequence[Tensor], dim: int) -> list[Tensor]:
    """Tensors of one shape but for one dim, whose size each keeps, so that they can be concatenated along it.

    Args:
        tensors: tensors whose other dims broadcast.
        dim: that dim, counted from the right if the tensors have several numbers of dims.

    Raises:
        ArgumentError: a dim from the left for several numbers of dims.
    """
    if dim >= 0:
        ranks = {each.dim() for each in tensors}
        if len(ranks) > 1:
            raise ArgumentError(
                f"broadcast_tensors_without_dim got dim={dim} and tensors of {sorted(ranks)} dims; count it from the "
                "right, by a negative number."
            )
        dim -= ranks.pop()
    shapes = [(*[1] * max(-dim - each.dim(), 0), *each.shape) for each in tensors]
    common = broadcast_shapes(*((*shape[:dim], 1, *shape[len(shape) + dim + 1 :]) for shape in shapes))
    place = len(common) + dim
    return [
        each.expand(*common[:place], shape[dim], *common[place + 1 :])
        for each, shape in zip(tensors, shapes, strict=True)
    ]


def cholesky_solve(x: Tensor, y: Tensor) -> Tensor:
    """The solution ``z`` of ``y @ y.mT @ z = x`` for a lower Cholesky factor ``y``."""
    return torch.cholesky_solve(x, y)


def matmul(x: Tensor, y: Tensor) -> Tensor:
    """The product of two matrices."""
    return x @ y


def matvecmul(x: Tensor, y: Tensor) -> Tensor:
    """The product of a matrix and a vector."""
    return (x @ y.unsqueeze(-1)).squeeze(-1)


def triangular_solve(x: Tensor, y: Tensor, upper: bool = False, transpose: bool = False) -> Tensor:
    """The solution ``z`` of ``y @ z = x``, or of ``y.mT @ z = x``, where the triangle of ``y`` is what counts."""
    matrix, upper = (y.mT, not upper) if transpose else (y, upper)
    solution: Tensor = torch.linalg.solve_triangular(matrix, x, upper=upper)
    return solution

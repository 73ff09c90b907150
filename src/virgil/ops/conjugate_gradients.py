"""Linear systems with a symmetric matrix that is known by its products with vectors."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from virgil.errors import ArgumentError

__all__ = ["conjugate_gradients"]


def conjugate_gradients(
    product: Callable[[Tensor], Tensor],
    right: Tensor,
    diagonal: Tensor | None = None,
    *,
    tolerance: float = 1e-8,
    max_steps: int | None = None,
) -> Tensor:
    """Solve ``A x = b`` for a symmetric positive definite ``A`` *(Hestenes and Stiefel 1952)*.

    Args:
        product: ``A`` times a vector. Shapes: ``(dim,)`` to ``(dim,)``.
        right: ``b``. Shape: ``(dim,)``.
        diagonal: an approximation of that of ``A``, positive, by which the system is scaled. Default: ones.
        tolerance: of the residual's norm after scaling, relative to that of ``b``.
        max_steps: the greatest number of products. Default: ten times the dimension.

    Raises:
        ArgumentError: ``A`` is not positive definite, or there are more products than allowed.

    >>> matrix = torch.tensor([[4.0, 1.0], [1.0, 3.0]])
    >>> conjugate_gradients(lambda x: matrix @ x, torch.tensor([1.0, 2.0]))
    tensor([0.0909, 0.6364])
    """
    scale = torch.ones_like(right) if diagonal is None else diagonal.rsqrt()
    residual = scale * right
    found, direction = torch.zeros_like(right), residual
    square = float(residual @ residual)
    enough = tolerance**2 * square
    for _ in range(10 * len(right) if max_steps is None else max_steps):
        if square <= enough:
            break
        curved = scale * product(scale * direction)
        curvature = float(direction @ curved)
        if not curvature > 0:
            raise ArgumentError(
                "conjugate_gradients got a matrix that is not positive definite: a direction has the curvature "
                f"{curvature:.3g}. Look for a system with a symmetric positive definite matrix."
            )
        length = square / curvature
        found, residual = found + length * direction, residual - length * curved
        before, square = square, float(residual @ residual)
        direction = residual + square / before * direction
    if square > enough:
        raise ArgumentError(
            f"conjugate_gradients did not reach the tolerance {tolerance:g}: the residual is "
            f"{(square / max(enough, 1e-300)) ** 0.5:.3g} times as large. Allow more steps by max_steps=, or scale by "
            "diagonal=."
        )
    return scale * found

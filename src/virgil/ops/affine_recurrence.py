"""Recurrences of vectors and of covariances under linear maps, in logarithmic depth."""

from __future__ import annotations

from torch import Tensor

from virgil.ops.associative_scan import Parts, trajectory

__all__ = ["affine_recurrence", "applied", "covariance_recurrence"]


def applied(matrix: Tensor, column: Tensor) -> Tensor:
    """The product of a matrix and a column in each step.

    Args:
        matrix: Shape: ``(*batch, steps or 1, rows, columns)``.
        column: Shape: ``(*batch, steps or 1, columns, 1)``.
    """
    if matrix.shape[-3] == 1 and column.shape[-3] > 1:  # one product for all steps
        return (column.squeeze(-1) @ matrix.squeeze(-3).mT).unsqueeze(-1)
    return matrix @ column


def affine_recurrence(matrix: Tensor, offset: Tensor, start: Tensor, count: int) -> Tensor:
    """The vectors ``x[t] = matrix[t] @ x[t - 1] + offset[t]``.

    Args:
        matrix: Shape: ``(*batch, count or 1, size, size)``.
        offset: Shape: ``(*batch, count or 1, size, 1)``.
        start: the vector before the first step. Shape: ``(*batch, 1, size, 1)``.
        count: the number of steps.

    Returns:
        Shape: ``(*batch, count, size, 1)``.
    """
    return trajectory((matrix, offset), count, _composed_maps, _mapped_vector, (start,))[0]


def covariance_recurrence(matrix: Tensor, noise: Tensor, start: Tensor, count: int) -> Tensor:
    """The covariances ``P[t] = matrix[t] @ P[t - 1] @ matrix[t].mT + noise[t]``. Shapes as of `affine_recurrence`."""
    return trajectory((matrix, noise), count, _composed_spreads, _spread, (start,))[0]


def _composed_maps(first: Parts, second: Parts) -> Parts:
    (matrix, offset), (next_matrix, next_offset) = first, second
    return next_matrix @ matrix, applied(next_matrix, offset) + next_offset


def _mapped_vector(step: Parts, state: Parts) -> Parts:
    return (applied(step[0], state[0]) + step[1],)


def _composed_spreads(first: Parts, second: Parts) -> Parts:
    return second[0] @ first[0], _spread(second, first[1:])[0]


def _spread(step: Parts, state: Parts) -> Parts:
    return (step[0] @ state[0] @ step[0].mT + step[1],)

"""Functions of old programs on matchings."""

from __future__ import annotations

from torch import Tensor

from virgil.errors import ShapeError
from virgil.ops.assignments import best_assignment, enumerate_assignments

__all__ = ["enumerate_one_two_matchings", "maximum_weight_matching"]


def enumerate_one_two_matchings(num_destins: int) -> Tensor:
    """All matchings of twice as many sources to ``num_destins`` destinations, two to each.

    Shape: ``(matchings, 2 * num_destins)``, int64.
    """
    return enumerate_assignments(num_destins, 2)


def maximum_weight_matching(logits: Tensor) -> Tensor:
    """The matching with the largest sum of logits, as the destination of each source.

    Shape: ``(N, N)`` to ``(N,)``, or ``(2 * N, N)`` to ``(2 * N,)``.

    Raises:
        ShapeError: the logits have another shape.
        ArgumentError: SciPy is not installed, or logits of minus infinity forbid all matchings.
    """
    shape = tuple(logits.shape)
    if len(shape) < 2 or shape[-1] < 1 or shape[-2] not in (shape[-1], 2 * shape[-1]):
        raise ShapeError(f"maximum_weight_matching got logits of shape {shape}; it takes (N, N) or (2 * N, N).")
    return best_assignment(logits, shape[-2] // shape[-1])

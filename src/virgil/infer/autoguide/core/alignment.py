"""Unconstrained values as blocks of numbers in the slots of some plates, and back."""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor

__all__ = ["blocks", "unblocked"]


def blocks(value: Tensor, batch_dim: int, event_dim: int, kept: Sequence[int]) -> Tensor:
    """A value with the numbers of each block in the last dim.

    Args:
        value: Shape: ``(*lead, *batch, *event)``.
        batch_dim: how many batch dims it has.
        event_dim: how many event dims.
        kept: batch dims, negative, outermost first, of whose slots each has a block of its own; the slots along all
            others are in one block.

    Returns:
        Shape: ``(*lead, *slots, numbers)``, with as many slots as batch dims, of which those not kept are 1.
    """
    order = _order(batch_dim, event_dim, kept)
    lead = value.dim() - len(order)
    batch = value.shape[lead : lead + batch_dim]
    moved = value.permute((*range(lead), *(lead + dim for dim in order)))
    slots = [batch[dim] if dim in kept else 1 for dim in range(-batch_dim, 0)]
    return moved.reshape(*value.shape[:lead], *slots, -1)


def unblocked(numbers: Tensor, shape: Sequence[int], batch_dim: int, kept: Sequence[int]) -> Tensor:
    """The value of which these are the blocks, the inverse of :func:`blocks`.

    Args:
        numbers: Shape: ``(*lead, *slots, numbers)``.
        shape: of the value, ``(*batch, *event)``; the sizes of kept dims are those that ``numbers`` has.
        batch_dim: how many of these are batch dims.
        kept: as for :func:`blocks`.

    Returns:
        Shape: ``(*lead, *batch, *event)``.
    """
    order = _order(batch_dim, len(shape) - batch_dim, kept)
    lead = numbers.dim() - batch_dim - 1
    sizes = list(shape)
    for dim in kept:
        sizes[batch_dim + dim] = numbers.shape[lead + batch_dim + dim]
    moved = numbers.reshape((*numbers.shape[:lead], *(sizes[dim] for dim in order)))
    return moved.permute((*range(lead), *(lead + order.index(dim) for dim in range(len(order)))))


def _order(batch_dim: int, event_dim: int, kept: Sequence[int]) -> list[int]:
    """All dims, those that are kept first."""
    first = [batch_dim + dim for dim in kept]
    return [*first, *(dim for dim in range(batch_dim + event_dim) if dim not in first)]

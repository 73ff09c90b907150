"""Assignments: each source takes one destination, and each destination is taken by the same number of sources.

The sum over all assignments goes through the sources in their order. The sources so far have filled the destinations in
part, and the sum over all ways to fill them like that is a sum over the last source's destination. There are
``(capacity + 1) ** destinations`` partial fillings, and no term is subtracted, so the sum is as exact as its terms.
Where there are few assignments, all of them are listed, as that takes fewer operations.
"""

from __future__ import annotations

import math
from functools import lru_cache

import numpy as np
import torch
from torch import Size, Tensor

from virgil.errors import ArgumentError
from virgil.ops.gumbel_choice import gumbel_choice
from virgil.ops.semiring import SUM

__all__ = ["best_assignment", "draw_assignments", "enumerate_assignments", "log_sum_of_assignments"]

_LARGEST_TABLE = 2**25  # entries: a quarter of a gigabyte
_FEW = 120  # assignments
_ABSENT = -1e30  # the logarithm of nothing, whose derivatives are zero and not NaN
_MOST_VALUES = 2**23  # entries of all assignments


@lru_cache(maxsize=4)
def _predecessors(destinations: int, capacity: int) -> tuple[np.ndarray, ...]:
    """For each number of sources, each filling's predecessor by the last source's destination.

    A filling is numbered among those of as many sources; one number beyond these stands for no filling.

    Shape: ``(fillings, destinations)`` for each number of sources from one on.
    """
    base = capacity + 1
    if base**destinations * destinations > _LARGEST_TABLE:
        raise ArgumentError(
            f"The exact sum over matchings to {destinations} destinations takes a table of {base}**{destinations} rows,"
            " which is too large. Pass bp_iters=, the number of iterations of belief propagation, for the Bethe "
            "approximation."
        )
    powers = base ** np.arange(destinations)
    counts = np.arange(base**destinations)[:, None] // powers % base
    totals = counts.sum(-1)
    number, tables = np.zeros(len(counts), dtype=np.int64), []
    for total in range(destinations * capacity + 1):
        codes = np.flatnonzero(totals == total)
        number[codes] = np.arange(len(codes))
        if total:
            before = np.where(counts[codes] > 0, codes[:, None] - powers, 0)
            missing = np.count_nonzero(totals == total - 1)
            tables.append(np.where(counts[codes] > 0, number[before], missing))
    return tuple(tables)


def _levels(logits: Tensor, capacity: int) -> tuple[list[Tensor], list[Tensor]]:
    """Logarithms of the sums over partial fillings for each number of sources from none on, and the predecessors."""
    tables = [torch.as_tensor(table, device=logits.device) for table in _predecessors(logits.shape[-1], capacity)]
    nothing = logits.new_full((*logits.shape[:-2], 1), -torch.inf)
    sums = [torch.zeros_like(nothing)]
    for source, table in enumerate(tables):
        before = torch.cat([sums[-1], nothing], -1)[..., table]
        sums.append(SUM.reduce(before + logits[..., source, :].unsqueeze(-2), (-1,)))
    return sums, tables


def _count(destinations: int, capacity: int) -> int:
    return math.factorial(destinations * capacity) // int(math.factorial(capacity) ** destinations)


def _all_if_few(logits: Tensor, capacity: int) -> tuple[Tensor, Tensor] | None:
    """All assignments, and the sum of each one's logits, Shape: ``(*batch, assignments)``; ``None`` if many."""
    sources, destinations = logits.shape[-2:]
    if sources > _FEW or _count(destinations, capacity) > _FEW:
        return None
    values = torch.as_tensor(_listed(destinations, capacity), device=logits.device)
    return values, logits[..., torch.arange(sources, device=logits.device), values].sum(-1)


def log_sum_of_assignments(logits: Tensor, capacity: int = 1) -> Tensor:
    """The logarithm of the sum over assignments of the product of ``exp(logits)``; for capacity 1, of the permanent.

    Shape: ``(*batch, capacity * destinations, destinations)`` to ``(*batch,)``.

    Raises:
        ArgumentError: there are too many partial fillings.

    >>> log_sum_of_assignments(torch.zeros(3, 3)).exp()
    tensor(6.)
    """
    few = _all_if_few(logits, capacity)
    if few is None:
        return _levels(logits, capacity)[0][-1].squeeze(-1)
    total = few[1].clamp(min=_ABSENT).logsumexp(-1)
    return torch.where(total < _ABSENT / 2, -torch.inf, total)


def draw_assignments(logits: Tensor, capacity: int, sample_shape: Size) -> Tensor:
    """Assignments, each with a probability in proportion to the product of ``exp(logits)``, as the destinations.

    The last source's destination is drawn first, then that of the one before it given the last, and so on. Shape:
    ``(*sample_shape, *batch, capacity * destinations)``, int64.

    Raises:
        ArgumentError: there are too many partial fillings.
    """
    shape = sample_shape + logits.shape[:-2]
    few = _all_if_few(logits.detach(), capacity)
    if few is not None:
        return few[0][gumbel_choice(few[1].expand(*shape, few[1].shape[-1]))]
    sums, tables = _levels(logits.detach(), capacity)
    filling = torch.zeros(shape, dtype=torch.long, device=logits.device)
    drawn = []
    for source in reversed(range(len(tables))):
        before = tables[source][filling]
        known = torch.cat([sums[source], logits.new_full((*logits.shape[:-2], 1), -torch.inf)], -1)
        logs = known.expand(*shape, known.shape[-1]).gather(-1, before) + logits[..., source, :]
        destination = gumbel_choice(logs)
        filling = before.gather(-1, destination.unsqueeze(-1)).squeeze(-1)
        drawn.append(destination)
    return torch.stack(drawn[::-1], -1)


def enumerate_assignments(destinations: int, capacity: int = 1) -> Tensor:
    """All assignments, as the destinations of the sources, in lexicographic order.

    Shape: ``(assignments, capacity * destinations)``, int64.

    Raises:
        ArgumentError: there are too many.

    >>> enumerate_assignments(2, 2)[:3]
    tensor([[0, 0, 1, 1],
            [0, 1, 0, 1],
            [0, 1, 1, 0]])
    """
    count = _count(destinations, capacity)
    if count * destinations * capacity > _MOST_VALUES:
        raise ArgumentError(
            f"There are {count} matchings to {destinations} destinations, too many to list. Draw them with sample."
        )
    return torch.tensor(_listed(destinations, capacity))


@lru_cache(maxsize=4)
def _listed(destinations: int, capacity: int) -> np.ndarray:
    values = np.zeros((1, 0), dtype=np.int64)
    free = np.full((1, destinations), capacity)
    for _ in range(destinations * capacity):
        rows, chosen = np.nonzero(free)
        values, free = np.column_stack([values[rows], chosen]), free[rows]
        free[np.arange(len(rows)), chosen] -= 1
    return values


def best_assignment(logits: Tensor, capacity: int = 1) -> Tensor:
    """The assignment with the largest sum of logits, by SciPy's solver of the linear sum assignment problem.

    Shape: ``(*batch, capacity * destinations, destinations)`` to ``(*batch, capacity * destinations)``, int64.

    Raises:
        ArgumentError: SciPy is not installed, or logits of minus infinity forbid all assignments.
    """
    try:
        from scipy.optimize import linear_sum_assignment  # noqa: PLC0415 - an optional dependency at its door
    except ImportError:
        raise ArgumentError("The most probable matching needs SciPy: pip install scipy.") from None
    seats = logits.detach().repeat_interleave(capacity, -1)
    matrices = seats.reshape(-1, *seats.shape[-2:]).cpu().double().numpy()
    try:
        found = [linear_sum_assignment(matrix, maximize=True)[1] // capacity for matrix in matrices]
    except ValueError as error:
        raise ArgumentError(f"The logits have no most probable matching: {error}.") from error
    return torch.as_tensor(np.array(found, dtype=np.int64).reshape(seats.shape[:-1]), device=logits.device)

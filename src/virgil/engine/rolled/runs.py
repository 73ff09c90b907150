"""The rounds of unrolled loops among the operations of a graph."""

from __future__ import annotations

import heapq
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from virgil.engine.rolled.operations import Operation
from virgil.ops.trees import tree_leaves

__all__ = ["Run", "runs"]

_ROUNDS = 4  # from which on a loop is worth its overhead
_SAVED = 32  # operations, likewise
_FAR = 4  # rounds that a carried value lies back, at most
_COPIED = 1024  # numbers brought side by side from outside all runs for each operation saved, at most
_COMPUTED = (
    4096  # numbers computed, likewise; to compile one operation more takes as long as to read these 10,000 times
)
_READS = 8  # an operation that reads more is in no run

Numbers = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Run:
    """Rounds of equal operations, one after another.

    Place ``j`` of round ``k`` is the operation ``start + k * period + j``. Over the rounds, operations at one place are
    of one kind, and the number of what they read at one slot is an affine function of the round: always the same; at a
    place of this run, the same number of rounds back each time (none, or up to four); or before the run.

    Attributes:
        start: the number of the first operation.
        period: how many operations a round has.
        count: how many rounds there are.
    """

    start: int
    period: int
    count: int

    @property
    def stop(self) -> int:
        """The number of the operation after the last one."""
        return self.start + self.count * self.period


def runs(rows: list[Operation]) -> list[Run]:
    """Runs that do not overlap, in order, found greedily: the ones that leave fewest operations first."""
    if len(rows) < _ROUNDS:
        return []
    kinds, reads = _table(rows)
    periods = range(1, len(rows) // _ROUNDS + 1)
    heap = [(-_saved(run), run.period, run.start, run) for period in periods for run in _periodic(kinds, reads, period)]
    heapq.heapify(heap)
    taken = np.zeros(len(rows), bool)
    chosen: list[Run] = []
    while heap:
        *_, run = heapq.heappop(heap)
        if not taken[run.start : run.stop].any():
            chosen.append(run)
            taken[run.start : run.stop] = True
            continue
        for rest in _free_parts(run, taken):
            for part in _checked(reads, *rest, run.period):
                heapq.heappush(heap, (-_saved(part), part.period, part.start, part))
    return [run for run in sorted(chosen, key=lambda run: run.start) if _pays(rows, run, taken)]


def _pays(rows: list[Operation], run: Run, taken: NDArray[np.bool_]) -> bool:
    """True if so many operations are saved as the size of what they work on asks for."""
    fixed = {number for row in rows[run.start : run.start + run.period] for number in row.reads}
    fixed &= {number for row in rows[run.start + run.period : run.start + 2 * run.period] for number in row.reads}
    read = {number for row in rows[run.start : run.stop] for number in row.reads if not taken[number]} - fixed
    copied = sum(_elements(rows[number]) for number in read)
    computed = sum(map(_elements, rows[run.start : run.stop]))
    return copied <= _COPIED * _saved(run) and computed <= _COMPUTED * _saved(run)


def _elements(row: Operation) -> int:
    """How many numbers an operation gives."""
    return sum(each.numel() for each in tree_leaves(row.node.meta["val"]))


def _saved(run: Run) -> int:
    return (run.count - 1) * run.period


def _table(rows: list[Operation]) -> tuple[Numbers, Numbers]:
    """The kinds of all operations, and what they read, one a row, filled up with -1."""
    kinds = np.array([row.kind for row in rows])
    reads = np.full((len(rows), _READS), -1)
    for number, row in enumerate(rows):
        if len(row.reads) > _READS:
            kinds[number] = -number - 1  # like no other
        else:
            reads[number, : len(row.reads)] = row.reads
    return kinds, reads


def _periodic(kinds: Numbers, reads: Numbers, period: int) -> Iterator[Run]:
    """All long runs of a period."""
    same = kinds[:-period] == kinds[period:]
    if np.count_nonzero(same) < max(_SAVED, (_ROUNDS - 1) * period):
        return
    moves = reads[period:] - reads[:-period]
    affine = same[:-period] & same[period:] & (moves[:-period] == moves[period:]).all(1)
    for first, last in _stretches(affine):
        yield from _checked(reads, first, last + 2 * period, period)


def _stretches(flags: NDArray[np.bool_]) -> Iterator[tuple[int, int]]:
    """Where flags are true: the first place and the one after the last, of each stretch."""
    edges = np.flatnonzero(np.diff(flags, prepend=False, append=False))
    yield from zip(edges[::2].tolist(), edges[1::2].tolist(), strict=True)


def _free_parts(run: Run, taken: NDArray[np.bool_]) -> Iterator[tuple[int, int]]:
    for first, last in _stretches(~taken[run.start : run.stop]):
        yield run.start + first, run.start + last


def _checked(reads: Numbers, start: int, stop: int, period: int) -> Iterator[Run]:
    """The run among operations that are periodic, if what they read inside of it is read as it must be."""
    while (count := (stop - start) // period) >= _ROUNDS and (count - 1) * period >= _SAVED:
        first = reads[start : start + period]
        move = reads[start + period : start + 2 * period] - first
        carried = move == period
        inside = (first >= start) & ~carried
        if inside.any():  # only the first round reads it so
            start = int(first[inside].max()) + 1
            continue
        back = -((first - start) // period)  # rounds, where it is carried
        far = carried & (back > _FAR)
        ahead = (move > 0) & ~carried
        limits = [back[far], (start - 1 - first[ahead]) // move[ahead] + 1]
        rounds = int(min([count, *(each.min() for each in limits if each.size)]))
        if rounds == count:
            yield Run(start, period, count)
            return
        if rounds >= _ROUNDS:
            yield Run(start, period, rounds)
        start += max(1, rounds) * period

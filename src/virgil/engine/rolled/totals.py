"""Sums that the rounds of a run accumulate."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from virgil.engine.operators.aten import aten
from virgil.engine.rolled.operations import Operation
from virgil.engine.rolled.runs import Run
from virgil.engine.rolled.stages import Slot

__all__ = ["Total", "totals"]


@dataclass(frozen=True, slots=True)
class Total:
    """Additions in a circle: each adds something to what the one before gave, the first to what the last gave.

    Attributes:
        places: the additions, in their order in a round.
        begin: the number of the operation that the first round adds to.
        added: what they add.
    """

    places: tuple[int, ...]
    begin: int
    added: tuple[Slot, ...]


def totals(rows: list[Operation], run: Run, read: list[list[Slot]], outside: Collection[int]) -> list[Total]:
    """The sums of a run of which nothing is read but the last.

    Args:
        rows: the operations of the graph.
        run: a run among them.
        read: the slots of its places.
        outside: the numbers of those of its operations that are read from outside.
    """
    readers: dict[int, list[int]] = {}
    for place, slots in enumerate(read):
        for slot in slots:
            if slot.place is not None:
                readers.setdefault(slot.place, []).append(place)
    found = []
    for first, slots in enumerate(read):
        for slot in slots:
            circle = _circle(rows[run.start : run.start + run.period], readers, first, slot)
            kept = {run.stop - run.period + circle[-1]} if circle else set()
            if circle and not any((each - run.start) % run.period in circle for each in set(outside) - kept):
                added = [other for place in circle for other in read[place] if other.place not in circle]
                if len(added) == len(circle) and all(each.move for each in added):
                    found.append(Total(tuple(circle), slot.first, tuple(added)))
    return found


def _circle(rows: list[Operation], readers: dict[int, list[int]], first: int, slot: Slot) -> list[int]:
    """The additions from the first one to that which a slot of it reads from the round before; empty if there are none.

    Each is read by the next alone.
    """
    circle: list[int] = []
    place = first
    while slot.back == 1 and slot.place is not None and _adds(rows[place]) and len(readers.get(place, ())) == 1:
        circle.append(place)
        if place == slot.place:
            return circle
        (following,) = readers[place]
        if following <= place:
            return []
        place = following
    return []


def _adds(row: Operation) -> bool:
    node = row.node
    if node.target is not aten.add.Tensor or node.kwargs or len(row.reads) != 2:
        return False
    return len({each.meta["val"].dtype for each in [node, *node.all_input_nodes]}) == 1

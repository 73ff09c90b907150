"""The operations of a run that must be computed round by round, and those for all rounds at once."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass

from virgil.engine.rolled.operations import Operation
from virgil.engine.rolled.runs import Run

__all__ = ["Slot", "Stages", "slots", "stages"]


@dataclass(frozen=True, slots=True)
class Slot:
    """The values that one argument of an operation reads over the rounds: number ``first + k * move`` in round ``k``.

    Attributes:
        first: the number in the first round.
        move: what is added to it from round to round.
        place: the place of the run that it reads, if it does.
        back: from how many rounds before.
    """

    first: int
    move: int
    place: int | None = None
    back: int = 0


@dataclass(frozen=True, slots=True)
class Stages:
    """The places of a run in three groups, each in an order of computation (Allen and Kennedy, 1987, on loops).

    Attributes:
        before: depend on no chain through the rounds: computed for all rounds at once.
        chain: on a cycle through earlier rounds, or between two of them: computed round by round.
        after: depend on these: computed for all rounds at once.
    """

    before: list[int]
    chain: list[int]
    after: list[int]


def slots(rows: list[Operation], run: Run) -> list[list[Slot]]:
    """The slots that the operation at each place of a run reads."""
    return [
        [_slot(run, first, second - first) for first, second in zip(row.reads, following.reads, strict=True)]
        for row, following in (
            (rows[number], rows[number + run.period]) for number in range(run.start, run.start + run.period)
        )
    ]


def _slot(run: Run, first: int, move: int) -> Slot:
    back, place = -((first - run.start) // run.period), (first - run.start) % run.period
    return Slot(first, move, place, back) if move == run.period and back < run.count else Slot(first, move)


def stages(read: list[list[Slot]], but: Collection[int] = ()) -> Stages:
    """The places of a run whose slots are these, but for some that no other place reads."""
    everywhere = set(range(len(read))) - set(but)
    earlier = {place: {slot.place for slot in read[place] if slot.place is not None} for place in everywhere}
    before = _peeled(everywhere, earlier)
    rest = everywhere - set(before)
    later: dict[int, set[int]] = {place: set() for place in everywhere}
    for place in rest:
        for source in earlier[place]:
            later[source].add(place)
    after = _peeled(rest, later)[::-1]
    return Stages(before, sorted(rest - set(after)), after)


def _peeled(places: set[int], earlier: Mapping[int, set[int]]) -> list[int]:
    """As many of the places as can be put into an order in which each comes after all those earlier than itself."""
    waits = {place: len(earlier[place] & places) for place in sorted(places)}
    later: dict[int, list[int]] = {place: [] for place in places}
    for place in sorted(places):
        for source in earlier[place] & places:
            later[source].append(place)
    order = [place for place, count in waits.items() if count == 0]
    for place in order:  # grows
        for following in later[place]:
            waits[following] -= 1
            if waits[following] == 0:
                order.append(following)
    return order

"""The rounds of one loop: all at once where they do not depend on each other, else by ``lax.scan``."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import jax
from jax import lax

from virgil.engine.rolled.operations import Operations
from virgil.engine.rolled.runs import Run
from virgil.engine.rolled.stages import Slot, slots, stages
from virgil.engine.rolled.totals import totals
from virgil.engine.xla.keys import Keys
from virgil.engine.xla.rolled.numbers import apply_to_numbers, column
from virgil.engine.xla.rolled.sums import Sums
from virgil.engine.xla.rolled.values import Values

__all__ = ["Rounds"]


class Rounds:
    """A run, to be computed.

    Args:
        found: the operations of the graph.
        run: a run among them.

    Attributes:
        nodes: for each place, the operators of all rounds.
        slots: for each place, what it reads.
        stages: the order in which the places are computed, but for sums that the rounds accumulate.
    """

    def __init__(self, found: Operations, run: Run) -> None:
        self.run = run
        self._rows = found.rows
        self.nodes = [
            [row.node for row in found.rows[run.start + place : run.stop : run.period]] for place in range(run.period)
        ]
        self.slots = slots(found.rows, run)
        inside = range(run.start, run.stop)
        read = {each for number, row in enumerate(found.rows) if number not in inside for each in row.reads}
        outside = {each for each in read.union(found.outputs) if each in inside}
        self._totals = totals(found.rows, run, self.slots, outside)
        summed = {place for total in self._totals for place in total.places}
        self.stages = stages(self.slots, summed)
        self._read = {(each - run.start) % run.period for each in outside}
        self._read |= {
            slot.place for place in self.stages.after for slot in self.slots[place] if slot.place is not None
        }
        self._read |= {slot.place for total in self._totals for slot in total.added if slot.place is not None}
        self._numbers = [self._changing(place) for place in range(run.period)]

    def _changing(self, place: int) -> dict[int, Any]:
        """The numbers of an operation that differ between rounds."""
        rows = self._rows[self.run.start + place : self.run.stop : self.run.period]
        return {
            argument: column(self.nodes[place], argument)
            for argument, value in rows[0].free.items()
            if any(row.free[argument] != value for row in rows)
        }

    def compute(self, values: Values, sums: Sums, keys: Keys, noise: Mapping[str, Any]) -> None:
        """Compute all rounds from the values of earlier operations."""
        for place in self.stages.before:
            values.keep_stack(self.run, place, self._at_once(place, values, keys, noise))
        if self.stages.chain:
            for place, stack in self._one_by_one(values, keys, noise).items():
                values.keep_stack(self.run, place, stack)
        for place in self.stages.after:
            values.keep_stack(self.run, place, self._at_once(place, values, keys, noise))
        for total in self._totals:
            added = [sums.of(slot, self.run.count) for slot in total.added]
            last = self.run.stop - self.run.period + total.places[-1]
            values.keep(last, sum(added, start=values.one(total.begin)))

    def _at_once(self, place: int, values: Values, keys: Keys, noise: Mapping[str, Any]) -> Any:
        nodes, read = self.nodes[place], self.slots[place]
        if nodes[0].name in noise:
            return noise[nodes[0].name]
        given = [values.column(slot, self.run.count) if slot.move else values.one(slot.first) for slot in read]
        apply = jax.vmap(
            lambda given, numbers, key: apply_to_numbers(nodes[0], given, numbers, key),
            ([0 if slot.move else None for slot in read], 0, 0),
            axis_size=self.run.count,
        )
        return apply(given, self._numbers[place], keys.stack(nodes))

    def _one_by_one(self, values: Values, keys: Keys, noise: Mapping[str, Any]) -> dict[int, Any]:
        """The places of the chain, of which each round reads up to a few rounds before it."""
        chain, run, count = self.stages.chain, self.run, self.run.count
        read = [slot for place in chain for slot in self.slots[place]]
        here = set(chain)
        begin = {
            place: [values.one(run.start + place - back * run.period) for back in range(1, most + 1)]
            for place, most in _furthest(slot for slot in read if slot.place in here).items()
        }
        streams = {
            (slot.first, slot.move): values.column(slot, count) for slot in read if slot.move and slot.place not in here
        }
        fixed = {slot.first: values.one(slot.first) for slot in read if not slot.move}
        first = {place: self.nodes[place][0] for place in chain}
        drawn = {place: noise[node.name] for place, node in first.items() if node.name in noise}
        own_keys = {place: keys.stack(self.nodes[place]) for place in chain if place not in drawn}
        numbers = {place: self._numbers[place] for place in chain}

        def round(before: dict[int, Any], given: Any) -> Any:
            streams, now, own_keys, numbers = given

            def value(slot: Slot) -> Any:
                if slot.place in here:
                    return before[slot.place][slot.back - 1] if slot.back else now[slot.place]
                return streams[slot.first, slot.move] if slot.move else fixed[slot.first]

            for place in chain:
                if place not in drawn:
                    read = [value(slot) for slot in self.slots[place]]
                    now[place] = apply_to_numbers(first[place], read, numbers[place], own_keys[place])
            after = {place: [now[place], *each[:-1]] for place, each in before.items()}
            return after, {place: now[place] for place in chain if place in self._read}

        stacks: dict[int, Any] = lax.scan(round, begin, (streams, drawn, own_keys, numbers), count)[1]
        return stacks


def _furthest(read: Iterable[Slot]) -> dict[int, int]:
    """From how many rounds before a place is read at most, where it is read from before."""
    furthest: dict[int, int] = {}
    for slot in read:
        if slot.place is not None and slot.back:
            furthest[slot.place] = max(slot.back, furthest.get(slot.place, 0))
    return furthest

"""Sums over rounds, computed before what is linear in them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import jax.numpy as jnp

from virgil.engine.rolled_linear import is_linear
from virgil.engine.rolled_operations import Operation
from virgil.engine.rolled_stages import Slot
from virgil.engine.xla.interpret import arguments, computed
from virgil.engine.xla.rolled_values import Part, Values

__all__ = ["Sums"]


class Sums:
    """Sums of what arguments read over rounds.

    A sum of values that a linear function gives is that function of a sum, and so on towards what is not linear.

    Args:
        rows: the operations of the graph.
        slots: of every run, by its first number: what its places read.
        values: what has been computed.
    """

    def __init__(self, rows: Sequence[Operation], slots: Mapping[int, list[list[Slot]]], values: Values) -> None:
        self._rows, self._slots, self._values = rows, slots, values
        self._known: dict[tuple[int, int, int], Any] = {}

    def of(self, slot: Slot, count: int) -> Any:
        """The sum of what an argument reads in so many rounds."""
        name = slot.first, slot.move, count
        if name not in self._known:
            parts = self._values.parts(slot, count)
            sums = [self._alone(each) if isinstance(each, list) else self._rounds(each) for each in parts]
            self._known[name] = sum(sums[1:], start=sums[0])
        return self._known[name]

    def _alone(self, numbers: list[int]) -> Any:
        values = [self._values.one(number) for number in numbers]
        return sum(values[1:], start=values[0])

    def _rounds(self, part: Part) -> Any:
        run, rounds = part.run, part.rounds
        first = run.start + part.place
        row, read = self._rows[first], self._slots[run.start][part.place]
        moves = [slot.move != 0 for slot in read]
        of_kind = self._rows[first : run.stop : run.period]
        if is_linear(self._rows, row, moves) and all(each.free == row.free for each in of_kind):
            given = [
                self.of(Slot(slot.first + rounds[0] * slot.move, rounds.step * slot.move), len(rounds))
                if slot.move
                else self._values.one(slot.first)
                for slot in read
            ]
            return computed(row.node, *arguments(row.node, given), None)
        column = Slot(first + rounds[0] * run.period, rounds.step * run.period)
        return jnp.sum(self._values.column(column, len(rounds)), axis=0)

"""Sums over rounds, computed before what is linear in them."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any

import jax.numpy as jnp

from virgil.engine.operators.aten import aten
from virgil.engine.rolled.linear import is_linear
from virgil.engine.rolled.operations import Operation
from virgil.engine.rolled.stages import Slot
from virgil.engine.xla.interpret import arguments, computed
from virgil.engine.xla.rolled.values import Part, Values

__all__ = ["Sums"]


class Sums:
    """Sums of what arguments read over rounds.

    A sum of values that a linear function gives is that function of a sum, and so on towards what is not linear, or
    is computed round by round; a sum of products of matrices is one product.

    Args:
        rows: the operations of the graph.
        slots: of every run, by its first number: what its places read.
        chains: likewise: the places that are computed round by round.
        values: what has been computed.
    """

    def __init__(
        self,
        rows: Sequence[Operation],
        slots: Mapping[int, list[list[Slot]]],
        chains: Mapping[int, Collection[int]],
        values: Values,
    ) -> None:
        self._rows, self._slots, self._chains, self._values = rows, slots, chains, values
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
        first, count = run.start + part.place, len(rounds)
        row, read = self._rows[first], [_some(slot, rounds) for slot in self._slots[run.start][part.place]]
        moves = [slot.move != 0 for slot in read]
        free = (each.free for each in self._rows[first : run.stop : run.period])
        if part.place not in self._chains[run.start] and all(each == row.free for each in free):
            if is_linear(self._rows, row, moves):
                given = [self.of(slot, count) if slot.move else self._values.one(slot.first) for slot in read]
                return computed(row.node, *arguments(row.node, given), None)
            if row.node.target is aten.mm.default and all(moves):
                left, right = (self._values.column(slot, count) for slot in read)
                beside, below = jnp.swapaxes(left, 0, 1), right.reshape(-1, right.shape[-1])
                return computed(row.node, (beside.reshape(left.shape[1], -1), below), {}, None)
        return jnp.sum(self._values.column(_some(Slot(first, run.period), rounds), count), axis=0)


def _some(slot: Slot, rounds: range) -> Slot:
    """The values that are read in some of the rounds."""
    return Slot(slot.first + rounds[0] * slot.move, slot.move * rounds.step)

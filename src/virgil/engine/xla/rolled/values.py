"""The values of a graph's operations, those of a run's rounds in stacks."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp
from jax import lax

from virgil.engine.rolled.runs import Run
from virgil.engine.rolled.stages import Slot

__all__ = ["Part", "Values"]


@dataclass(frozen=True, slots=True)
class Part:
    """Some of the rounds of a place of a run."""

    run: Run
    place: int
    rounds: range


class Values:
    """The values computed so far, by the numbers of the operations.

    Args:
        runs: those of the graph, in order.
    """

    def __init__(self, runs: Sequence[Run]) -> None:
        self._runs = runs
        self._starts = [run.start for run in runs]
        self._alone: dict[int, Any] = {}
        self._stacks: dict[int, Any] = {}  # by the number of the first round's
        self._columns: dict[tuple[int, int, int], Any] = {}

    def keep(self, number: int, value: Any) -> None:
        """Note the value of an operation outside all runs."""
        self._alone[number] = value

    def keep_stack(self, run: Run, place: int, stack: Any) -> None:
        """Note the values of a place of a run, those of its rounds along the first axis."""
        self._stacks[run.start + place] = stack

    def one(self, number: int) -> Any:
        """The value of an operation."""
        if number not in self._alone:
            run, place, round = self._found(number)
            self._alone[number] = jax.tree.map(lambda each: each[round], self._stacks[run.start + place])
        return self._alone[number]

    def column(self, slot: Slot, count: int) -> Any:
        """The values that an argument reads in so many rounds, along the first axis."""
        name = slot.first, slot.move, count
        if name not in self._columns:
            pieces = [self._piece(each) for each in self.parts(slot, count)]
            joined = jax.tree.map(lambda *each: jnp.concatenate(each), *pieces) if len(pieces) > 1 else pieces[0]
            self._columns[name] = joined
        return self._columns[name]

    def _owner(self, number: int) -> Run | None:
        before = bisect_right(self._starts, number)
        run = self._runs[before - 1] if before else None
        return run if run is not None and number < run.stop else None

    def _found(self, number: int) -> tuple[Run, int, int]:
        run = self._owner(number)
        if run is None:
            raise LookupError(f"Operation {number} has no value yet.")
        round, place = divmod(number - run.start, run.period)
        return run, place, round

    def parts(self, slot: Slot, count: int) -> Iterator[list[int] | Part]:
        """The parts that an argument reads in so many rounds: one place at equal distances, and others by number."""
        numbers = range(slot.first, slot.first + count * slot.move, slot.move)
        done = 0
        while done < len(numbers):
            run = self._owner(numbers[done])
            rest = numbers[done:]
            if run is None:
                end = next((k for k, each in enumerate(rest) if self._owner(each) is not None), len(rest))
                yield list(rest[:end])
            elif numbers.step % run.period:
                end = 1
                yield [rest[0]]
            else:
                _, place, round = self._found(rest[0])
                step = numbers.step // run.period
                room = (run.count - 1 - round) // step if step > 0 else round // -step
                end = min(len(rest), room + 1)
                yield Part(run, place, range(round, round + end * step, step))
            done += end

    def _piece(self, part: list[int] | Part) -> Any:
        if isinstance(part, list):
            return jax.tree.map(lambda *each: jnp.stack(each), *map(self.one, part))
        return jax.tree.map(lambda each: _rows(each, part.rounds), self._stacks[part.run.start + part.place])


def _rows(stack: Any, rounds: range) -> Any:
    if rounds.step < 0:
        return lax.rev(_rows(stack, rounds[::-1]), [0])
    return lax.slice_in_dim(stack, rounds[0], rounds[-1] + 1, rounds.step)

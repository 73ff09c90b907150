"""A program run many steps at a time inside one compiled loop."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import torch
from torch import Tensor

from virgil.engine.recording.program import CapturedStep
from virgil.engine.runner import Course, Inputs, joined
from virgil.engine.xla.ahead import while_loop
from virgil.engine.xla.arrays import DTYPES, Copies, to_array, to_rows, to_tensor
from virgil.engine.xla.noise import drawn_by_key
from virgil.engine.xla.packing import Packing
from virgil.engine.xla.step import XlaStep

__all__ = ["XlaRunner"]

_SHORT = 2**22  # bytes that a step reads, from which on what lies between two calls counts little beside them


@dataclass(frozen=True, eq=False)
class _Call:
    """A call of the loop: what it computes from."""

    state: list[jax.Array]  # packed
    constants: dict[str, Any]
    fixed: dict[int, Any]
    streams: dict[int, Any]
    longest: int
    seed: int
    first: int
    count: int
    summed: int

    def is_as(self, other: _Call) -> bool:
        """True if both compute the same from the same arrays, none of which anybody writes into."""
        mine = self.seed, self.first, self.count, self.longest, self.summed
        return (
            mine == (other.seed, other.first, other.count, other.longest, other.summed)
            and self.state is other.state
            and self.constants is other.constants
            and self.fixed is other.fixed
            and not (self.streams or other.streams)
        )


_Next = tuple[_Call | None, Any]  # the call that is likely to come, and its results where it has been begun


class XlaRunner:
    """A program on XLA: compiled once for each set of inputs that are streamed, then a loop without Python.

    Where steps are short, the next call is begun before what it follows has been looked at, so that the engine does not
    wait for Python. Its results are taken if the call that comes is this one, from the same numbers; else they are
    dropped, and no call is begun so until a likely one has come again.

    Args:
        program: the captured step.

    Raises:
        OperatorError: an operator has no lowering.
    """

    def __init__(self, program: CapturedStep) -> None:
        self.program = program
        self._step = XlaStep(program)
        nodes = program.graph.graph.find_nodes(op="placeholder")
        self._packing = Packing([node.meta["val"] for node in nodes[: program.num_state]])
        self._state: list[jax.Array] = []  # packed
        self._tensors: list[Tensor] = []  # the same, once they have been asked for
        self._constants, self._fixed = Copies[str](), Copies[int]()
        read = [*program.constants.values(), *(node.meta["val"] for node in nodes)]
        self._is_short = sum(each.nbytes for each in read) < _SHORT
        self._next: _Next = None, None
        self._loop = jax.jit(self._steps, static_argnames=("longest", "summed"), compiler_options=self._step.options)

    @property
    def num_compiled(self) -> int:
        """How many operations are compiled: the rounds of a loop once where they are rolled up."""
        return self._step.num_compiled

    def load(self, state: Sequence[Tensor]) -> None:
        """Begin with this state."""
        with jax.enable_x64(True):
            packed = self._packing.pack([each.detach() for each in state], torch.cat)
            self._go_to([to_array(each.clone()) for each in packed])  # what a run computes from must not change

    def state(self) -> list[Tensor]:
        """The present state."""
        if not self._tensors:
            self._tensors = self._packing.unpack([to_tensor(each) for each in self._state])
        return self._tensors

    def _go_to(self, state: list[jax.Array], following: _Next = (None, None)) -> None:
        self._state, self._tensors, self._next = state, [], following

    def advance(self, inputs: Inputs, seed: int, first: int, count: int, summed: int = 0) -> Course:
        """Take steps; see :class:`virgil.engine.runner.Runner`."""
        courses: list[Course] = []
        longest = self._step.longest(inputs)
        for start, stretch in inputs.stretches(count, longest):
            courses.append(self._stretch(stretch, seed, first + start, min(longest, count - start), summed))
            if not courses[-1].is_finite:
                break
        return joined(courses)

    def noise(self, seed: int, number: int) -> AbstractContextManager[None]:
        """A block in which eager operations draw the numbers of a step."""
        key = jax.random.fold_in(jax.random.key(np.uint32(seed & 0xFFFFFFFF)), number)
        return drawn_by_key(self.program.graph.graph, key)

    def _stretch(self, inputs: Inputs, seed: int, first: int, count: int, summed: int) -> Course:
        with jax.enable_x64(True):
            call = _Call(self._state, *self._read(inputs), seed, first, count, summed)
            likely, begun = self._next
            was_likely = likely is not None and likely.is_as(call)
            done, state, losses, norms, sums = begun if was_likely and begun is not None else self._begin(call)
            following: _Next = None, None
            if inputs.then:  # begun before this one is waited for, if what was likely before has come
                likely = replace(call, state=state, first=first + count, count=min(inputs.then, call.longest))
                following = likely, self._begin(likely) if was_likely else None
            taken = int(done)
            is_finite = taken >= 0
            if not is_finite:  # once more, up to the step before: noise depends on seed and number alone
                taken, following = -taken, (None, None)
                _, state, *_ = self._begin(replace(call, count=taken - 1))
            self._go_to(state, following)
            return Course(
                to_rows(losses, taken),
                to_rows(norms, taken),
                is_finite,
                [to_tensor(each) for each in sums],
            )

    def _read(self, inputs: Inputs) -> tuple[dict[str, Any], dict[int, Any], dict[int, Any], int]:
        """Constants, fixed inputs, streams, and the length of records."""
        if inputs.alone or inputs.streamed or not self._is_short:
            return self._step.constants, *self._step.arrays(inputs)
        # copies, which the next call may read while a user's program writes into the tensors
        constants, fixed = self._constants.of(self.program.constants), self._fixed.of(inputs.fixed)
        return constants, fixed, {}, self._step.longest(inputs)

    def _begin(self, call: _Call) -> Any:
        """Begin a call; who asks for its results waits for them."""
        numbers = np.uint32(call.seed & 0xFFFFFFFF), np.int64(call.first), np.int64(call.count)
        arrays = call.state, call.constants, call.fixed, call.streams
        return self._loop(*arrays, *numbers, longest=call.longest, summed=call.summed)

    def _steps(
        self,
        packed: list[Any],
        constants: dict[str, Any],
        fixed: dict[int, Any],
        streams: dict[int, Any],
        seed: Any,
        first: Any,
        count: Any,
        *,
        longest: int,
        summed: int,
    ) -> Any:
        """The loop: ends after ``count`` steps, or with the first whose loss or gradient is not finite.

        How many were taken is negative in this case.
        """
        step, run_key, ahead = self._step.function(constants, fixed, streams), jax.random.key(seed), self._step.ahead
        state = self._packing.unpack(packed)

        def key(number: Any) -> Any:
            return jax.random.fold_in(run_key, first + number)

        def body(carry: Any, noise: Any) -> Any:
            number, state, _, losses, norms, sums = carry
            state, loss, norm = step(number, key(number), state, noise)
            is_finite = jnp.isfinite(loss) & jnp.isfinite(norm).all()
            sums = [total + each for total, each in zip(sums, state, strict=False)]
            return number + 1, state, is_finite, losses.at[number].set(loss), norms.at[number].set(norm), sums

        records = [jnp.zeros((longest, *each.shape), DTYPES[each.dtype]) for each in self.program.reported]
        sums = [jnp.zeros_like(each, jnp.float64) for each in state[:summed]]
        begin = jnp.int64(0), state, jnp.bool_(True), *records, sums
        done, state, is_finite, *rest = while_loop(
            lambda carry: (carry[0] < count) & carry[2],
            body,
            begin,
            lambda number: ahead.draw(key(number)),
            min(ahead.steps, longest),
        )
        return jnp.where(is_finite, done, -done), self._packing.pack(state, jnp.concatenate), *rest

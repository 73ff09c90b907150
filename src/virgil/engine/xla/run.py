"""A program run many steps at a time inside one compiled loop."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import torch
from torch import Tensor

from virgil.engine.program import Program
from virgil.engine.runner import Course, Inputs, joined
from virgil.engine.xla.arrays import to_array, to_tensor
from virgil.engine.xla.interpret import check_lowered, interpret

__all__ = ["XlaRunner"]

_LONGEST = 4096  # steps in one call: the length of its records


class XlaRunner:
    """A program on XLA: compiled once for each set of inputs that are streamed, then a loop without Python.

    Args:
        program: the captured step.

    Raises:
        OperatorError: an operator has no lowering.
    """

    def __init__(self, program: Program) -> None:
        check_lowered(program.graph.graph)
        self.program = program
        self._constants = {name: to_array(each) for name, each in program.constants.items()}
        self._state: list[jax.Array] = []
        self._longest = 0
        self._loop = jax.jit(self._steps, static_argnames=("longest", "summed"))

    def load(self, state: Sequence[Tensor]) -> None:
        """Begin with this state."""
        with jax.enable_x64(True):
            self._state = [to_array(each.clone()) for each in state]  # what a run computes from must not change

    def state(self) -> list[Tensor]:
        """The present state."""
        return [to_tensor(each) for each in self._state]

    def advance(self, inputs: Inputs, seed: int, first: int, count: int, summed: int = 0) -> Course:
        """Take steps; see :class:`virgil.engine.runner.Runner`."""
        courses: list[Course] = []
        for start in range(0, count, _LONGEST):
            stretch = min(_LONGEST, count - start)
            rows = {place: each[start : start + stretch] for place, each in inputs.streamed.items()}
            courses.append(self._stretch(Inputs(inputs.fixed, rows), seed, first + start, stretch, summed))
            if not courses[-1].is_finite:
                break
        return joined(courses)

    def _stretch(self, inputs: Inputs, seed: int, first: int, count: int, summed: int) -> Course:
        with jax.enable_x64(True):
            rows, longest = self._padded(inputs.streamed, count)
            given = {place: to_array(each) for place, each in inputs.fixed.items()}
            streams = {place: to_array(each) for place, each in rows.items()}
            run = (self._constants, given, streams, np.uint32(seed & 0xFFFFFFFF), np.int64(first))
            loop = partial(self._loop, self._state, *run, longest=longest, summed=summed)
            done, state, is_finite, losses, norms, sums = loop(np.int64(count))
            taken = int(done)
            if not bool(is_finite):  # once more, up to the step before: noise depends on seed and number alone
                _, state, *_ = loop(np.int64(taken - 1))
            self._state = state
            return Course(
                torch.from_numpy(np.asarray(losses)[:taken].copy()),
                torch.from_numpy(np.asarray(norms)[:taken].copy()),
                bool(is_finite),
                [to_tensor(each) for each in sums],
            )

    def _padded(self, rows: dict[int, Tensor], count: int) -> tuple[dict[int, Tensor], int]:
        """Streams of one length, so that one compiled loop serves all; and the length of the records."""
        if not rows:
            return rows, 1 if count == 1 else _LONGEST
        self._longest = max(self._longest, count)
        missing = self._longest - count
        if not missing:
            return rows, count
        return {place: torch.cat([each, each[-1:].expand(missing, *each.shape[1:])]) for place, each in rows.items()}, (
            self._longest
        )

    def _steps(
        self,
        state: list[Any],
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
        """The loop: ends after ``count`` steps, or with the first whose loss or gradient is not finite."""
        graph, size = self.program.graph.graph, self.program.num_state
        key = jax.random.key(seed)

        def step(number: Any, state: list[Any]) -> tuple[list[Any], Any, Any]:
            rows = {
                place: jax.lax.dynamic_index_in_dim(each, number, keepdims=False) for place, each in streams.items()
            }
            both = {**fixed, **rows}
            inputs = [both[place] for place in range(self.program.num_inputs)]
            noise = jax.random.fold_in(key, first + number)
            outputs = interpret(graph, [*state, *inputs], constants, noise)
            return outputs[:size], outputs[size], outputs[size + 1]

        def body(carry: Any) -> Any:
            number, state, _, losses, norms, sums = carry
            state, loss, norm = step(number, state)
            is_finite = jnp.isfinite(loss) & jnp.isfinite(norm).all()
            sums = [total + each for total, each in zip(sums, state, strict=False)]
            return number + 1, state, is_finite, losses.at[number].set(loss), norms.at[number].set(norm), sums

        loss, norm = jax.eval_shape(step, jnp.int64(0), state)[1:]
        records = jnp.zeros((longest,), loss.dtype), jnp.zeros((longest, *norm.shape), norm.dtype)
        sums = [jnp.zeros_like(each, jnp.float64) for each in state[:summed]]
        begin = jnp.int64(0), state, jnp.bool_(True), *records, sums
        return jax.lax.while_loop(lambda carry: (carry[0] < count) & carry[2], body, begin)

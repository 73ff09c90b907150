"""A program run many steps at a time inside one compiled loop."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractContextManager
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import torch
from torch import Tensor

from virgil.engine.program import Program
from virgil.engine.runner import Course, Inputs, joined
from virgil.engine.xla.ahead import while_loop
from virgil.engine.xla.arrays import to_array, to_tensor
from virgil.engine.xla.noise import drawn_by_key
from virgil.engine.xla.packing import Packing
from virgil.engine.xla.step import XlaStep

__all__ = ["XlaRunner"]


class XlaRunner:
    """A program on XLA: compiled once for each set of inputs that are streamed, then a loop without Python.

    Args:
        program: the captured step.

    Raises:
        OperatorError: an operator has no lowering.
    """

    def __init__(self, program: Program) -> None:
        self.program = program
        self._step = XlaStep(program)
        nodes = program.graph.graph.find_nodes(op="placeholder")
        self._packing = Packing([node.meta["val"] for node in nodes[: program.num_state]])
        self._state: list[jax.Array] = []  # packed
        self._loop = jax.jit(self._steps, static_argnames=("longest", "summed"), compiler_options=self._step.options)

    def load(self, state: Sequence[Tensor]) -> None:
        """Begin with this state."""
        with jax.enable_x64(True):
            packed = self._packing.pack([each.detach() for each in state], torch.cat)
            self._state = [to_array(each.clone()) for each in packed]  # what a run computes from must not change

    def state(self) -> list[Tensor]:
        """The present state."""
        return self._packing.unpack([to_tensor(each) for each in self._state])

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
            fixed, streams, longest = self._step.arrays(inputs)
            run = self._step.constants, fixed, streams, np.uint32(seed & 0xFFFFFFFF), np.int64(first)
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
        """The loop: ends after ``count`` steps, or with the first whose loss or gradient is not finite."""
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

        loss, norm = jax.eval_shape(step, jnp.int64(0), run_key, state, {})[1:]
        records = jnp.zeros((longest,), loss.dtype), jnp.zeros((longest, *norm.shape), norm.dtype)
        sums = [jnp.zeros_like(each, jnp.float64) for each in state[:summed]]
        begin = jnp.int64(0), state, jnp.bool_(True), *records, sums
        done, state, *rest = while_loop(
            lambda carry: (carry[0] < count) & carry[2],
            body,
            begin,
            lambda number: ahead.draw(key(number)),
            min(ahead.steps, longest),
        )
        return done, self._packing.pack(state, jnp.concatenate), *rest

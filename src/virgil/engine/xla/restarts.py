"""A program run from several states at once, mapped over them inside one compiled loop."""

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

from virgil.engine.recording.program import CapturedStep
from virgil.engine.runner import Course, Inputs, joined
from virgil.engine.xla.ahead import while_loop
from virgil.engine.xla.arrays import DTYPES, to_array, to_copy, to_tensor
from virgil.engine.xla.noise import drawn_by_key
from virgil.engine.xla.step import XlaStep

__all__ = ["XlaRestarts"]


class XlaRestarts:
    """A program on XLA with several states, each with noise of its own; see :class:`virgil.engine.runner.Restarts`.

    Args:
        program: the captured step.

    Raises:
        OperatorError: an operator has no lowering.
    """

    def __init__(self, program: CapturedStep) -> None:
        self._step = XlaStep(program)
        self._states: list[jax.Array] = []
        self._is_finite = np.ones(0, bool)
        self._loop = jax.jit(self._steps, static_argnames=("longest", "summed"), compiler_options=self._step.options)

    def load(self, states: Sequence[Sequence[Tensor]], is_finite: Sequence[bool]) -> None:
        """Begin with these states, all whose flag is false standing still."""
        with jax.enable_x64(True):
            self._states = [to_array(torch.stack(rows)) for rows in zip(*states, strict=True)]
        self._is_finite = np.array(is_finite, bool)

    def states(self) -> list[list[Tensor]]:
        """The present state of each."""
        stacked = [to_tensor(each) for each in self._states]
        return [[each[row] for each in stacked] for row in range(len(self._is_finite))]

    def noise(self, seed: int, number: int, row: int) -> AbstractContextManager[None]:
        """A block in which eager operations draw the numbers of a step of one run."""
        key = jax.random.fold_in(jax.random.key(np.uint32(seed & 0xFFFFFFFF)), row)
        return drawn_by_key(self._step.program.graph.graph, jax.random.fold_in(key, number))

    def advance(self, inputs: Inputs, seed: int, first: int, count: int, summed: int = 0) -> list[Course]:
        """Take steps from all states; one whose step is not finite stays before it."""
        longest = self._step.longest(inputs)
        courses = [
            self._stretch(stretch, seed, first + start, min(longest, count - start), summed)
            for start, stretch in inputs.stretches(count, longest)
        ]
        return [joined(each) for each in zip(*courses, strict=True)]

    def _stretch(self, inputs: Inputs, seed: int, first: int, count: int, summed: int) -> list[Course]:
        with jax.enable_x64(True):
            fixed, streams, longest = self._step.arrays(inputs)
            run = self._step.constants, fixed, streams, np.uint32(seed & 0xFFFFFFFF), np.int64(first), np.int64(count)
            loop = self._loop(self._states, self._is_finite, *run, longest=longest, summed=summed)
        _, self._states, is_finite, taken, losses, norms, sums = loop
        self._is_finite = np.asarray(is_finite)
        losses, norms, totals = to_copy(losses), to_copy(norms), [to_tensor(each) for each in sums]
        return [
            Course(
                losses[row, :done],
                norms[row, :done],
                bool(self._is_finite[row]),
                [each[row] for each in totals],
            )
            for row, done in enumerate(np.asarray(taken))
        ]

    def _steps(
        self,
        states: list[Any],
        is_finite: Any,
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
        """The loop: ends after ``count`` steps, or when no state is left whose loss and gradient are finite."""
        step = jax.vmap(self._step.function(constants, fixed, streams), (None, 0, 0, 0))
        size, ahead = len(is_finite), self._step.ahead
        run_keys = jax.vmap(partial(jax.random.fold_in, jax.random.key(seed)))(jnp.arange(size))

        def keys(number: Any) -> Any:
            return jax.vmap(jax.random.fold_in, (0, None))(run_keys, first + number)

        def body(carry: Any, noise: Any) -> Any:
            number, states, goes, taken, losses, norms, sums = carry
            after, loss, norm = step(number, keys(number), states, noise)
            taken = taken + goes
            losses, norms = losses.at[:, number].set(loss), norms.at[:, number].set(norm)
            goes = goes & jnp.isfinite(loss) & jnp.isfinite(norm).all(1)
            states = [jnp.where(_beside(goes, new), new, old) for new, old in zip(after, states, strict=True)]
            sums = [total + each * _beside(goes, each) for total, each in zip(sums, states, strict=False)]
            return number + 1, states, goes, taken, losses, norms, sums

        reported = self._step.program.reported
        records = [jnp.zeros((size, longest, *each.shape), DTYPES[each.dtype]) for each in reported]
        sums = [jnp.zeros_like(each, jnp.float64) for each in states[:summed]]
        begin = jnp.int64(0), states, is_finite, jnp.zeros(size, jnp.int64), *records, sums
        return while_loop(
            lambda carry: (carry[0] < count) & carry[2].any(),
            body,
            begin,
            lambda number: jax.vmap(ahead.draw)(keys(number)),
            max(1, min(ahead.steps // size, longest)),
        )


def _beside(flags: Any, values: Any) -> Any:
    """Flags of rows, to be combined with rows of any shape."""
    return flags.reshape(-1, *[1] * (values.ndim - 1))

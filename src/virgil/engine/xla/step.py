"""One step of a program as a function of arrays, and the streams that its loop reads."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import jax
from torch import Tensor

from virgil.engine.recording.program import CapturedStep
from virgil.engine.runner import Inputs
from virgil.engine.xla.ahead import Ahead
from virgil.engine.xla.arrays import to_array, to_input
from virgil.engine.xla.lowered import Lowered

__all__ = ["XlaStep"]

_LONGEST = 4096  # steps in one call: the length of its records
_STREAMED = 2**26  # bytes of batches in one call


class XlaStep:
    """A program, to be put into a loop.

    Args:
        program: the captured step.

    Attributes:
        program: the same.
        ahead: its random operators that may be drawn ahead.
        num_compiled: how many operations are compiled.

    Raises:
        OperatorError: an operator has no lowering.
    """

    def __init__(self, program: CapturedStep) -> None:
        self.program = program
        self._lowered = Lowered(program.graph)
        self._streams: dict[int, Tensor] = {}
        self.num_compiled = self._lowered.num_compiled
        self.ahead = Ahead(program.graph.graph, self._lowered.rounds)

    @property
    def constants(self) -> dict[str, Any]:
        """The tensors that the program holds, as arrays of their present values."""
        return self._lowered.constants

    @property
    def options(self) -> dict[str, Any]:
        """Options of the compiler."""
        return self._lowered.options

    def longest(self, inputs: Inputs) -> int:
        """How many steps one call may take: as many as the records and the streams' memory hold."""
        row = sum(each[0].nbytes for each in inputs.streamed.values())
        return max(1, min(_LONGEST, _STREAMED // max(1, row)))

    def arrays(self, inputs: Inputs) -> tuple[dict[int, Any], dict[int, Any], int]:
        """Fixed inputs, streams, and the length of both streams and records: one, so that one compiled loop serves all.

        The streams lie in memory that the next call writes into.
        """
        fixed = {place: to_input(each) for place, each in inputs.fixed.items()}
        if not inputs.streamed:
            return fixed, {}, 1 if inputs.alone else _LONGEST
        longest = self.longest(inputs)
        return fixed, {place: self._stream(place, each, longest) for place, each in inputs.streamed.items()}, longest

    def _stream(self, place: int, rows: Tensor, longest: int) -> Any:
        memory = self._streams.get(place)
        if memory is None or memory.shape != (longest, *rows.shape[1:]) or memory.dtype != rows.dtype:
            memory = self._streams[place] = rows.new_empty((longest, *rows.shape[1:]))
        memory[: len(rows)] = rows
        return to_array(memory)

    def function(
        self, constants: Mapping[str, Any], fixed: Mapping[int, Any], streams: Mapping[int, Any]
    ) -> Callable[[Any, Any, list[Any], Any], tuple[list[Any], Any, Any]]:
        """From a step's number in the streams, its key, state and noise drawn ahead: state, loss, norms after it."""
        size = self.program.num_state

        def step(number: Any, key: Any, state: list[Any], noise: Any) -> tuple[list[Any], Any, Any]:
            rows = {
                place: jax.lax.dynamic_index_in_dim(each, number, keepdims=False) for place, each in streams.items()
            }
            both = {**fixed, **rows}
            inputs = [both[place] for place in range(self.program.num_inputs)]
            outputs = self._lowered([*state, *inputs], constants, key, noise)
            return outputs[:size], outputs[size], outputs[size + 1]

        return step

"""One step of a program as a function of arrays, and the streams that its loop reads."""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping
from typing import Any

import jax
from torch import Tensor

from virgil.engine.program import Program
from virgil.engine.runner import Inputs
from virgil.engine.xla.arrays import to_array
from virgil.engine.xla.interpret import check_lowered, interpret

__all__ = ["XlaStep", "compiler_options"]

_LONGEST = 4096  # steps in one call: the length of its records
_STREAMED = 2**26  # bytes of batches in one call


class XlaStep:
    """A program, to be put into a loop.

    Args:
        program: the captured step.

    Raises:
        OperatorError: an operator has no lowering.
    """

    def __init__(self, program: Program) -> None:
        check_lowered(program.graph.graph)
        self.program = program
        self.constants = {name: to_array(each) for name, each in program.constants.items()}
        self._streams: dict[int, Tensor] = {}

    def longest(self, inputs: Inputs) -> int:
        """How many steps one call may take: as many as the records and the streams' memory hold."""
        row = sum(each[0].nbytes for each in inputs.streamed.values())
        return max(1, min(_LONGEST, _STREAMED // max(1, row)))

    def arrays(self, inputs: Inputs) -> tuple[dict[int, Any], dict[int, Any], int]:
        """Fixed inputs, streams, and the length of both streams and records: one, so that one compiled loop serves all.

        The streams lie in memory that the next call writes into.
        """
        fixed = {place: to_array(each) for place, each in inputs.fixed.items()}
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
    ) -> Callable[[Any, Any, list[Any]], tuple[list[Any], Any, Any]]:
        """From a step's number in the streams, its key, and the state: the state after it, loss, gradient norms."""
        graph, size = self.program.graph.graph, self.program.num_state

        def step(number: Any, key: Any, state: list[Any]) -> tuple[list[Any], Any, Any]:
            rows = {
                place: jax.lax.dynamic_index_in_dim(each, number, keepdims=False) for place, each in streams.items()
            }
            both = {**fixed, **rows}
            inputs = [both[place] for place in range(self.program.num_inputs)]
            outputs = interpret(graph, [*state, *inputs], constants, key)
            return outputs[:size], outputs[size], outputs[size + 1]

        return step


@functools.cache
def compiler_options() -> dict[str, Any]:
    """What to tell XLA: its older code generator compiles such loops in half of the time, and they are as fast."""
    options: dict[str, Any] = {"xla_cpu_use_fusion_emitters": False}
    try:
        jax.jit(lambda x: x, compiler_options=options)(0.0)
    except jax.errors.JaxRuntimeError:  # another version of XLA, without such an option
        return {}
    return options

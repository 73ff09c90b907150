"""A graph as a function of arrays: operator by operator, its loops rolled up again."""

from __future__ import annotations

import functools
from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

import jax
from torch import Tensor
from torch.fx import Node

from virgil.engine.recording.graph import Recording
from virgil.engine.xla.arrays import to_array
from virgil.engine.xla.interpret import check_lowered, interpret
from virgil.engine.xla.rolled.graph import rolled
from virgil.ops.trees import tree_leaves

__all__ = ["Lowered"]

_LARGE = 1_000_000  # elements, from which on code is worth more than the time to make it
_SHORT = 1024  # addends, up to which a sum one by one is exact enough
_NEW_GENERATOR: dict[str, Any] = {"xla_cpu_use_fusion_emitters": False}
_TREES: dict[str, Any] = {"xla_disable_hlo_passes": "tree_reduction_rewriter"}


class Lowered:
    """A recorded function in JAX.

    Args:
        recording: the function.

    Attributes:
        num_compiled: how many operations are compiled, those of all rounds of a loop counted once.
        rounds: the operators at each place of each loop that is rolled up, over its rounds.

    Raises:
        OperatorError: an operator has no lowering.
    """

    def __init__(self, recording: Recording) -> None:
        check_lowered(recording.graph)
        self._recording = recording
        with jax.enable_x64(True):  # else doubles and long integers lose half of their digits
            self._constants = {name: to_array(each) for name, each in recording.constants.items()}
        self._copied = [name for name, each in recording.constants.items() if not each.is_contiguous()]
        loops = rolled(recording.graph)
        self._interpret = partial(interpret, recording.graph) if loops is None else loops.interpret
        operators = sum(node.op == "call_function" for node in recording.graph.nodes)
        self.num_compiled = operators if loops is None else loops.num_compiled
        self.rounds: Sequence[list[Node]] = () if loops is None else loops.rounds

    def __call__(
        self,
        inputs: Sequence[Any],
        constants: Mapping[str, Any],
        key: Any = None,
        noise: Mapping[str, Any] | None = None,
    ) -> list[Any]:
        """The outputs, as a flat list; see :func:`virgil.engine.xla.interpret.interpret`."""
        return self._interpret(inputs, constants, key, noise)

    @property
    def constants(self) -> dict[str, Any]:
        """The tensors that it holds, as arrays of their present values: on their own memory where they lie densely."""
        if self._copied:
            with jax.enable_x64(True):
                self._constants.update({name: to_array(self._recording.constants[name]) for name in self._copied})
        return self._constants

    @property
    def options(self) -> dict[str, Any]:
        """Options of the compiler.

        Its older code generator takes half of the time, and costs only large programs. Sums in trees are
        more exact, and cost twice the time where they are short.
        """
        nodes = [node for node in self._recording.graph.nodes if node.op == "call_function"]
        values = [each for each in tree_leaves([node.meta.get("val") for node in nodes]) if isinstance(each, Tensor)]
        wanted = _NEW_GENERATOR if sum(each.numel() for each in values) < _LARGE else {}
        if max((each.numel() for each in values), default=0) <= _SHORT:
            wanted = {**wanted, **_TREES}
        return {name: value for name, value in wanted.items() if _takes(name, value)}


@functools.cache
def _takes(option: str, value: Any) -> bool:
    """True where this version of XLA has a switch."""
    try:
        jax.jit(lambda x: x, compiler_options={option: value})(0.0)
    except jax.errors.JaxRuntimeError:
        return False
    return True

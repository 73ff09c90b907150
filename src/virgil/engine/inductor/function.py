"""A pure function of tensors, compiled by torch's Inductor."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor
from torch.fx import Graph, GraphModule

from virgil.engine.inductor.code import code_of
from virgil.engine.inductor.in_place import inputs_of, owned
from virgil.engine.inductor.run import laid_out
from virgil.engine.recording.graph import Recording
from virgil.errors import CaptureError
from virgil.ops.trees import tree_leaves

__all__ = ["InductorFunction"]


class InductorFunction:
    """A captured function: one compiled call; see :class:`virgil.engine.function.CompiledFunction`.

    Args:
        recording: the function.

    Raises:
        OperatorError: Inductor cannot compile an operator.
        CaptureError: it cannot compile the function, or there is no C++ compiler.
    """

    def __init__(self, recording: Recording) -> None:
        self.recording = recording
        graph, flat = recording.graph, Graph()
        values = inputs_of(graph, flat)
        self._strides: list[tuple[int, ...]] = [node.meta["val"].stride() for node in values.values()]
        held = graph.find_nodes(op="get_attr")
        self._constants = [recording.constants[str(node.target)] for node in held]
        for node, constant in zip(held, self._constants, strict=True):
            values[node] = flat.placeholder(node.name)
            values[node].meta.update(val=constant, device=constant.device)
        outputs = tree_leaves(flat.graph_copy(graph, values))
        flat.output(tuple(owned(flat, each) for each in outputs))
        self._code = code_of(GraphModule({}, flat))

    def __call__(self, inputs: Sequence[Tensor]) -> list[Tensor]:
        """The results."""
        given = [laid_out(each.detach(), stride) for each, stride in zip(inputs, self._strides, strict=True)]
        with torch.no_grad():
            return list(self._code([*given, *self._constants]))

    def mapped(self, rows: Tensor, others: Sequence[Tensor]) -> list[Tensor]:
        """The results for each row, one after another."""
        return [torch.stack(each) for each in zip(*(self([row, *others]) for row in rows), strict=True)]

    def in_jax(self, others: Sequence[Tensor]) -> Callable[[Any], Any]:
        """There is none."""
        raise CaptureError("A function on engine='inductor' is no function of JAX. Use engine='xla'.")

"""Make a node of every operator that runs."""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple, NoReturn

import torch
from torch import Tensor
from torch.fx import Graph, Node

from virgil.engine.recording.dispatch import Dispatch, Traits
from virgil.errors import CaptureError
from virgil.ops.nested_tensors import mapped, tensors_in
from virgil.ops.operators import OpOverload
from virgil.ops.thread_generator import called

__all__ = ["Recorder"]


class _Known(NamedTuple):
    """A tensor that the graph computes, and whether its values may vary from run to run."""

    node: Node
    varies: bool


class Recorder(Dispatch[_Known]):
    """Inside a ``with`` block, operators become nodes of a graph while they run on tensors with values.

    A tensor that is not made in the block is a constant of the graph. A node's ``meta["val"]`` is a tensor without
    memory of the shape, dtype and strides of its result, ``meta["device"]`` says where that lies, ``meta["varies"]``
    whether it depends on an input or on noise, and ``meta["stack_trace"]`` is the line that it comes from.

    Args:
        apart: of operators that are not to be nodes, a function that calls others.

    Attributes:
        graph: the nodes.
        constants: by name, the tensors that the graph holds.
    """

    def __init__(self, apart: Mapping[Any, Callable[..., Any]]) -> None:
        super().__init__(apart)
        self.graph = Graph()
        self.constants: dict[str, Tensor] = {}

    def placeholder(self, tensor: Tensor) -> None:
        """Make a tensor an input of the graph."""
        node = self.graph.placeholder(f"input_{len(self.graph.nodes)}")
        self._take(tensor, node, varies=True)

    def output(self, tensors: list[Any]) -> None:
        """End the graph with tensors that it gives."""
        self.graph.output(mapped(self._node, tensors))

    def meet(self, func: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """Run an operator, and make nodes of it."""
        return self.by_parts(func, args, kwargs)

    def operate(self, func: OpOverload, traits: Traits, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """Run an operator, and make a node of it."""
        varies = traits.draws or any(map(self.varies, tensors_in((args, kwargs))))
        nodes, named = mapped(self._node, args), mapped(self._node, kwargs)
        result = called(func, args, kwargs)
        node = self.graph.create_node("call_function", func, nodes, named, func.overloadpacket.__name__)
        if traits.writes and varies:
            self.overwrite(func, args, kwargs)
        self._take(result, node, varies)
        return result

    def refuse(self, message: str) -> NoReturn:
        """A tensor that varies is to be read.

        Raises:
            CaptureError: always.
        """
        raise CaptureError(message)

    def origin_varies(self, origin: _Known) -> bool:
        """True if what a node gives has other values in the next run."""
        return origin.varies

    def _node(self, tensor: Tensor) -> Node:
        known = self.origin(tensor)
        return self._constant(tensor) if known is None else known.node

    def _constant(self, tensor: Tensor) -> Node:
        name = f"constant_{len(self.constants)}"
        self.constants[name] = tensor
        node = self.graph.get_attr(name)
        self._take(tensor, node, varies=False)
        return node

    def _take(self, result: Any, node: Node, varies: bool) -> None:
        """Take a result for a node's; of a list, each tensor has a node of its own."""
        self._note(result, node, varies)
        if isinstance(result, Tensor):
            self.know(result, _Known(node, varies))
        elif isinstance(result, (list, tuple)):
            for place, each in enumerate(result):
                if isinstance(each, Tensor):
                    self._take(each, self.graph.call_function(operator.getitem, (node, place)), varies)

    def _note(self, result: Any, node: Node, varies: bool) -> None:
        node.meta.update(val=_described(result), varies=varies)
        line = self.line()
        if line is not None:
            node.meta["stack_trace"] = line
        if isinstance(result, Tensor):
            node.meta["device"] = result.device


def _described(result: Any) -> Any:
    """The same without memory."""
    if isinstance(result, Tensor):
        return torch.empty_strided(result.shape, result.stride(), dtype=result.dtype, device="meta")
    return type(result)(map(_described, result)) if isinstance(result, (list, tuple)) else result

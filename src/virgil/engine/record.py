"""Make a node of every operator that runs."""

from __future__ import annotations

import functools
import operator
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn
from torch.fx import Graph, Node
from torch.overrides import TorchFunctionMode
from torch.utils.weak import WeakTensorKeyDictionary

from virgil.engine.aten import aten
from virgil.engine.lines import line_of_user
from virgil.engine.noise import is_random
from virgil.engine.plain_layers import LOOKED_INTO, PLAIN_LAYERS
from virgil.errors import CaptureError
from virgil.ops.nested_tensors import mapped, tensors_in
from virgil.ops.operators import OperatorMode, OpOverload, is_composite, is_taken_apart, memory_id, schema_of, written
from virgil.ops.thread_generator import called

__all__ = ["Recorder"]


_PLAIN = frozenset({Tensor, nn.Parameter, nn.Buffer})
_ESCAPES = frozenset({Tensor.numpy, Tensor.tolist, Tensor.__array__})


class _Known(NamedTuple):
    """A tensor that the graph computes, and whether its values may vary from run to run."""

    node: Node
    varies: bool


class Recorder(OperatorMode):
    """Inside a ``with`` block, operators become nodes of a graph while they run on tensors with values.

    A tensor that is not made in the block is a constant of the graph. A node's ``meta["val"]`` is a tensor without
    memory of the shape, dtype and strides of its result, ``meta["device"]`` says where that lies, and
    ``meta["stack_trace"]`` the line that it comes from.

    Args:
        apart: of operators that are not to be nodes, a function that calls others.

    Attributes:
        graph: the nodes.
        constants: by name, the tensors that the graph holds.
        line: gives the line that an operator comes from: the user's that is running.
    """

    def __init__(self, apart: Mapping[Any, Callable[..., Any]]) -> None:
        super().__init__()
        self.graph = Graph()
        self.constants: dict[str, Tensor] = {}
        self._apart = apart
        self.line: Callable[[], str | None] = line_of_user
        self._known: Any = WeakTensorKeyDictionary()
        self._overwritten: dict[int, Tensor] = {}  # by storage: tensors into which something that varies was written

    def placeholder(self, tensor: Tensor) -> None:
        """Make a tensor an input of the graph."""
        node = self.graph.placeholder(f"input_{len(self.graph.nodes)}")
        self._know(tensor, node, varies=True)

    def output(self, tensors: list[Any]) -> None:
        """End the graph with tensors that it gives."""
        self.graph.output(mapped(self._node, tensors))

    def functions(self) -> AbstractContextManager[object]:
        """A block in which layers are called in a plain form, and no tensor that varies becomes an array or a list."""
        return _Functions(self)

    def varies(self, tensor: Tensor) -> bool:
        """Whether a tensor depends on an input or on noise, so that its values are not those of the next run."""
        known = self._known.get(tensor)
        if known is not None and known.varies:
            return True
        return bool(self._overwritten) and memory_id(tensor) in self._overwritten

    def __torch_dispatch__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        """Run an operator, and make a node of it.

        Raises:
            CaptureError: the values of a tensor that varies are to be read.
        """
        if not _PLAIN.issuperset(types):  # tensors that handle operators themselves
            return NotImplemented
        with torch.DisableTorchFunction():  # what looks at functions has seen the one that was called
            return self._run(func, args, kwargs or {})

    def _run(self, func: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        traits = _traits_of(func)
        result = self._taken_apart(func, traits, args, kwargs)
        if result is not NotImplemented:
            return result
        varies = traits.draws or any(map(self.varies, tensors_in((args, kwargs))))
        if traits.reads and varies:
            raise CaptureError(_read_message(self.line()))
        if not traits.is_node:
            return called(func, args, kwargs)
        if func is aten.lift_fresh.default:  # what is written into the result must not change the constant
            func = aten.clone.default
        nodes, named = mapped(self._node, args), mapped(self._node, kwargs)
        result = called(func, args, kwargs)
        node = self.graph.create_node("call_function", func, nodes, named, func.overloadpacket.__name__)
        if traits.writes and varies:
            self._overwritten.update((memory_id(each), each) for each in written(func, args, kwargs))
        self._know(result, node, varies)
        return result

    def _taken_apart(self, func: OpOverload, traits: _Traits, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        rule = self._apart.get(func)
        if rule is not None:
            with self:
                result = rule(*args, **kwargs)
            if result is not NotImplemented:
                return result
        if traits.is_composite and is_taken_apart(func, args, kwargs):
            with self:
                return func.decompose(*args, **kwargs)
        return NotImplemented

    def _node(self, tensor: Tensor) -> Node:
        known = self._known.get(tensor)
        return self._constant(tensor) if known is None else known.node

    def _constant(self, tensor: Tensor) -> Node:
        name = f"constant_{len(self.constants)}"
        self.constants[name] = tensor
        node = self.graph.get_attr(name)
        self._know(tensor, node, varies=False)
        return node

    def _know(self, result: Any, node: Node, varies: bool) -> None:
        """Take a result for a node's; of a list, each tensor has a node of its own."""
        self._note(result, node)
        if isinstance(result, Tensor):
            self._known[result] = _Known(node, varies)
        elif isinstance(result, (list, tuple)):
            for place, each in enumerate(result):
                if isinstance(each, Tensor):
                    self._know(each, self.graph.call_function(operator.getitem, (node, place)), varies)

    def _note(self, result: Any, node: Node) -> None:
        node.meta["val"] = _described(result)
        line = self.line()
        if line is not None:
            node.meta["stack_trace"] = line
        if isinstance(result, Tensor):
            node.meta["device"] = result.device


class _Functions(TorchFunctionMode):
    """Calls functions; layers in a plain form, and not those that read values where torch's operators do not notice."""

    def __init__(self, recorder: Recorder) -> None:
        super().__init__()
        self._recorder = recorder

    def __torch_function__(
        self, func: Callable[..., Any], types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        """Call a function.

        Raises:
            CaptureError: it would read a tensor that varies.
        """
        if func in _ESCAPES and self._recorder.varies(args[0]):
            raise CaptureError(
                "A tensor is turned into an array or a list, which a captured step cannot follow:\n"
                f"  {line_of_user()}\nKeep to torch, or use engine='eager'."
            )
        if func in LOOKED_INTO:
            with self:
                return LOOKED_INTO[func](*args, **(kwargs or {}))
        return PLAIN_LAYERS.get(func, func)(*args, **(kwargs or {}))


class _Traits(NamedTuple):
    """What an operator does besides computing tensors from tensors.

    Attributes:
        draws: it reads a random number generator.
        reads: it gives values of tensors to Python.
        writes: it changes a tensor.
        is_node: it gives tensors, or writes.
        is_composite: it is made of others, which derivatives are taken of.
    """

    draws: bool
    reads: bool
    writes: bool
    is_node: bool
    is_composite: bool


@functools.cache
def _traits_of(func: OpOverload) -> _Traits:
    schema = schema_of(func)
    only_values = bool(schema.returns) and not any("Tensor" in str(each.type) for each in schema.returns)
    return _Traits(
        draws=is_random(func),
        reads=torch.Tag.data_dependent_output in func.tags,
        writes=schema.is_mutable,
        is_node=(schema.is_mutable or not only_values) and func.namespace != "profiler",
        is_composite=is_composite(func),
    )


def _described(result: Any) -> Any:
    """The same without memory."""
    if isinstance(result, Tensor):
        return torch.empty_strided(result.shape, result.stride(), dtype=result.dtype, device="meta")
    return type(result)(map(_described, result)) if isinstance(result, (list, tuple)) else result


def _read_message(line: str | None) -> str:
    place = f":\n  {line}\n" if line else ". "
    return (
        f"A tensor is used as a Python value, which a captured step cannot follow{place}Use torch.where, masks or "
        "indexing in the place of `if`, `.item()`, `int()` or `range()` on a tensor, or engine='eager'."
    )

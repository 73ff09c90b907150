"""``Transcript``: the calls of a recording, in the form in which another run is compared with them."""

from __future__ import annotations

import operator
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NamedTuple

import torch
from torch import Tensor
from torch.fx import Node

from virgil.engine.operators.decompositions import RECORDED
from virgil.engine.recording.dispatch import traits_of
from virgil.engine.recording.graph import Recording

__all__ = ["Call", "Constant", "Transcript", "Value", "transcript_of"]

_BITS = {1: torch.int8, 2: torch.int16, 4: torch.int32, 8: torch.int64}


@dataclass(eq=False, slots=True)
class Value:
    """A tensor that a recording is given or computes.

    Attributes:
        shape: its shape.
        dtype: its dtype.
        varies: whether it depends on an input or on noise.
    """

    shape: torch.Size
    dtype: torch.dtype
    varies: bool


@dataclass(eq=False, slots=True)
class Constant(Value):
    """A tensor that a recording holds, which an engine reads where it lies, at each call.

    Attributes:
        tensor: the user's own, or one that the program has made.
        place: where in memory it lay, and how, when it was recorded.
    """

    tensor: Tensor
    place: tuple[Any, ...]

    def is_as(self, tensor: Tensor) -> bool:
        """True if the graph is the same with this tensor in the place of its own."""
        if _place(self.tensor) != self.place:  # as after ``tensor.data = other``
            return False
        if tensor is self.tensor:
            return True
        memory, *layout = _place(tensor)
        same_layout = tuple(layout) == self.place[1:]
        return same_layout and (memory == self.place[0] or _have_same_bits(tensor.detach(), self.tensor.detach()))


class Call(NamedTuple):
    """An operator that a recording calls.

    Attributes:
        func: the operator.
        args: its arguments, a :class:`Value` in the place of each tensor and tuples in the place of lists.
        kwargs: likewise.
        result: likewise; ``None`` where it gives nothing.
        line: where it comes from.
        overwrites: whether it writes something that varies.
        has_parts: whether it may be taken apart, for other arguments.
    """

    func: Any
    args: tuple[Any, ...]
    kwargs: dict[str, Any]
    result: Any
    line: str | None
    overwrites: bool
    has_parts: bool


@dataclass(frozen=True, eq=False)
class Transcript:
    """The calls of a recording.

    Attributes:
        inputs: the tensors that it is given.
        calls: the operators that it calls, in their order.
        outputs: what it gives.
    """

    inputs: list[Value]
    calls: list[Call]
    outputs: tuple[Any, ...]


def transcript_of(record: Recording) -> Transcript:
    """The calls of a recording."""
    values: dict[Node, Any] = {}
    calls: list[Call] = []
    for node in record.graph.nodes:
        if node.op == "get_attr":
            values[node] = _constant(record.constants[str(node.target)])
        elif node.target is operator.getitem:
            source, place = node.args
            values[node] = values[source][place]
        elif node.op != "output":
            values[node] = _value(node.meta["val"], node.meta["varies"])
        if node.op == "call_function" and node.target is not operator.getitem:
            calls.append(_call(node, values))
    (output,) = record.graph.find_nodes(op="output")
    inputs = [values[node] for node in record.graph.find_nodes(op="placeholder")]
    return Transcript(inputs, calls, _filled(output.args[0], values.__getitem__))


def _call(node: Node, values: dict[Node, Any]) -> Call:
    args, kwargs = _filled(node.args, values.__getitem__), _filled(node.kwargs, values.__getitem__)
    func: Any = node.target
    traits, line = traits_of(func), node.meta.get("stack_trace")
    overwrites, has_parts = traits.writes and node.meta["varies"], traits.is_composite or func in RECORDED
    return Call(func, args, kwargs, values[node], line, overwrites, has_parts)


def _value(described: Any, varies: bool) -> Any:
    if isinstance(described, (list, tuple)):
        return tuple([_value(each, varies) for each in described])
    return Value(described.shape, described.dtype, varies) if isinstance(described, Tensor) else None


def _constant(tensor: Tensor) -> Constant:
    return Constant(tensor.shape, tensor.dtype, False, tensor, _place(tensor))


def _place(tensor: Tensor) -> tuple[Any, ...]:
    return tensor.data_ptr(), tensor.shape, tensor.stride(), tensor.dtype, tensor.device


def _filled(argument: Any, value: Callable[[Node], Any]) -> Any:
    """An argument with the values of the nodes in it."""
    if isinstance(argument, Node):
        return value(argument)
    if isinstance(argument, (list, tuple)):
        return tuple([_filled(each, value) for each in argument])
    if isinstance(argument, dict):
        return {name: _filled(each, value) for name, each in argument.items()}
    return argument


def _have_same_bits(one: Tensor, other: Tensor) -> bool:
    """True if tensors of one shape and dtype are equal, with the signs of zeros, and NaN equal to itself."""
    if one.is_complex():
        one, other = torch.view_as_real(one.resolve_conj()), torch.view_as_real(other.resolve_conj())
    if one.is_floating_point():
        bits = _BITS[one.element_size()]
        one, other = one.view(bits), other.view(bits)
    return torch.equal(one, other)

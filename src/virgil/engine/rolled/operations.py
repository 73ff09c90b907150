"""The operations of a graph, each once and numbered, so that equal rounds of a loop can be told by the numbers."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from torch.fx import Graph, Node

from virgil.engine.operators.aten import aten
from virgil.engine.operators.noise import is_draw
from virgil.engine.operators.value_arguments import of_values

__all__ = ["Operation", "Operations", "operations"]


_COPIES: dict[Any, int] = {aten.alias.default: 0, aten.clone.default: 0, aten.copy.default: 1}
_RESHAPES = frozenset({aten.view.default, aten.expand.default})
_PLACES: dict[Any, tuple[int, ...]] = {
    aten.select.int: (2,),
    aten.slice.Tensor: (2, 3),
    aten.slice_scatter.default: (3, 4),
}
"""Arguments that say where a part of a tensor lies."""
_FILLS: dict[Any, tuple[int, ...]] = {aten.scalar_tensor.default: (0,), aten.full.default: (1,)}
_POINTWISE = frozenset(
    {
        *(aten.add.Tensor, aten.sub.Tensor, aten.mul.Tensor, aten.div.Tensor, aten.mul.Scalar),
        *(aten.eq.Scalar, aten.ne.Scalar, aten.lt.Scalar, aten.le.Scalar, aten.gt.Scalar, aten.ge.Scalar),
    }
)
_PRECISE = frozenset({torch.float32, torch.float64, torch.int64, torch.int32})


@dataclass(frozen=True, slots=True)
class Operation:
    """An operation, a placeholder or a constant of a graph.

    Attributes:
        node: where it stands in the graph.
        reads: the numbers of the operations that it reads, one for each node among its arguments, in their order.
        kind: operations of one kind differ in what they read and in ``free`` arguments alone: they have the same
            target, and shapes and dtypes of arguments and results.
        free: by position, numbers among the arguments in which those of one kind may differ.
    """

    node: Node
    reads: tuple[int, ...]
    kind: int
    free: dict[int, Any]


@dataclass(frozen=True, slots=True)
class Operations:
    """The values of a graph, each once: placeholders and constants, then operations in the graph's order.

    Attributes:
        rows: all of them; one reads those with lower numbers only.
        outputs: the numbers of the graph's outputs.
    """

    rows: list[Operation]
    outputs: list[int]


class _Read:
    """Stands for a node among the arguments of another one."""


def operations(graph: Graph) -> Operations:
    """The operations of a graph without copies, repetitions and what nothing reads.

    Two random operators are never the same. What a graph computes does not change by a bit.
    """
    nodes = [*(node for node in graph.nodes if node.op in ("placeholder", "get_attr"))]
    nodes += [node for node in graph.nodes if node.op == "call_function"]
    same: dict[Node, Node] = {}  # the node that has a node's value, of those that are kept
    found: dict[Any, Node] = {}
    for node in nodes:
        first = found.setdefault(_identity(node, same), node)
        copied = _copied(node)
        same[node] = first if copied is None else same[copied]
    (output,) = graph.find_nodes(op="output")
    wanted = [same[each] for each in _nodes_in(output.args)]
    kept = _live([node for node in nodes if same[node] is node], wanted, same)
    numbers = {node: number for number, node in enumerate(kept)}
    kinds: dict[Any, int] = {}
    rows = [_row(node, [numbers[same[each]] for each in _read(node)], kinds) for node in kept]
    return Operations(rows, [numbers[each] for each in wanted])


def _row(node: Node, reads: list[int], kinds: dict[Any, int]) -> Operation:
    free = _free(node)
    kind = kinds.setdefault(_kind(node, free), len(kinds))
    return Operation(node, tuple(reads), kind, free)


def _live(nodes: list[Node], wanted: list[Node], same: dict[Node, Node]) -> list[Node]:
    """The nodes that the wanted ones depend on, and all placeholders."""
    live = set(wanted)
    for node in reversed(nodes):
        if node in live:
            live.update(same[each] for each in _read(node))
    return [node for node in nodes if node in live or node.op == "placeholder"]


def _copied(node: Node) -> Node | None:
    """The argument of a node that has the node's value."""
    source = node.args[_COPIES.get(node.target, 0)] if node.op == "call_function" and node.args else None
    if not isinstance(source, Node) or _described(source.meta.get("val")) != _described(node.meta.get("val")):
        return None
    if node.target is aten.permute.default:
        dims: Any = node.args[1]
        return source if [dim % len(dims) for dim in dims] == list(range(len(dims))) else None
    return source if node.target in _COPIES or node.target in _RESHAPES else None


def _identity(node: Node, same: dict[Node, Node]) -> Any:
    """Equal for nodes with the same value."""
    if node.op == "placeholder" or is_draw(node):
        return node
    return node.target, _frozen(node.args, same.__getitem__), _frozen(of_values(node.kwargs), same.__getitem__)


def _kind(node: Node, free: dict[int, Any]) -> Any:
    if node.op != "call_function":
        return node
    args = [type(each) if place in free else each for place, each in enumerate(node.args)]
    described = tuple(_described(each.meta.get("val")) for each in _read(node))
    rest = _frozen(args, lambda _: _Read), _frozen(of_values(node.kwargs), lambda _: _Read)
    return node.target, described, _described(node.meta.get("val")), *rest


def _free(node: Node) -> dict[int, Any]:
    """The numbers among the arguments of an operator that an array may stand for."""
    places = _PLACES.get(node.target, ())
    if node.target in _FILLS and node.kwargs.get("dtype") is not None:
        places = _FILLS[node.target]
    if node.target in _POINTWISE and all(each.meta["val"].dtype in _PRECISE for each in _read(node)):
        places = (0, 1)
    if len(node.args) <= max(places, default=0):
        return {}
    return {place: node.args[place] for place in places if type(node.args[place]) in (int, float)}


def _read(node: Node) -> list[Node]:
    """The nodes among the arguments that decide on values, in their order."""
    return [*_nodes_in(node.args), *_nodes_in(of_values(node.kwargs))]


def _nodes_in(argument: Any) -> Iterator[Node]:
    if isinstance(argument, Node):
        yield argument
    elif isinstance(argument, (list, tuple)):
        for each in argument:
            yield from _nodes_in(each)
    elif isinstance(argument, dict):
        yield from _nodes_in(list(argument.values()))


def _described(value: Any) -> Any:
    if isinstance(value, Tensor):
        return tuple(value.shape), value.dtype
    return tuple(map(_described, value)) if isinstance(value, (list, tuple)) else type(value)


def _frozen(argument: Any, of_node: Callable[[Node], Any]) -> Any:
    """An argument as a key; numbers that compare equal, as 0.0 and -0.0, are told apart."""
    if isinstance(argument, Node):
        return of_node(argument)
    if isinstance(argument, (list, tuple)):
        return tuple(_frozen(each, of_node) for each in argument)
    if isinstance(argument, dict):
        return tuple((name, _frozen(each, of_node)) for name, each in argument.items())
    if isinstance(argument, slice):
        return slice, argument.start, argument.stop, argument.step
    return (type(argument), repr(argument)) if isinstance(argument, (bool, int, float, complex)) else argument

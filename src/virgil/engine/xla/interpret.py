"""Run a graph in JAX, node by node: inside ``jax.jit`` this is its lowering."""

from __future__ import annotations

import operator
from collections.abc import Mapping, Sequence
from typing import Any

from torch.fx import Graph, Node
from torch.fx.node import map_arg

from virgil.engine.operators.value_arguments import of_values
from virgil.engine.xla import lowerings  # noqa: F401 - registers them
from virgil.engine.xla.keys import Keys
from virgil.engine.xla.registry import LOWERINGS, Lowering
from virgil.errors import OperatorError
from virgil.ops.trees import tree_leaves

__all__ = ["apply", "arguments", "check_lowered", "computed", "interpret"]


def check_lowered(graph: Graph) -> None:
    """Refuse a graph with an operator that has no lowering.

    Raises:
        OperatorError: one has none; the message names it and the line that it comes from.
    """
    for node in graph.nodes:
        if node.op == "call_function" and node.target is not operator.getitem:
            _lowering(node)


def interpret(
    graph: Graph, inputs: Sequence[Any], constants: Mapping[str, Any], key: Any, noise: Mapping[str, Any] | None = None
) -> list[Any]:
    """The outputs of a graph, as a flat list.

    Args:
        graph: the operations.
        inputs: an array for each placeholder.
        constants: by name, an array for each tensor that the graph holds.
        key: for random operators, each of which gets a key of its own; ``None`` where there are none.
        noise: by name, the results of random operators that are not to be drawn.
    """
    keys, noise = Keys(graph, key), noise or {}
    values: dict[Node, Any] = {}
    given = iter(inputs)
    for node in graph.nodes:
        if node.op == "placeholder":
            values[node] = next(given)
        elif node.op == "get_attr":
            values[node] = constants[node.target]
        elif node.op == "output":
            return tree_leaves(map_arg(node.args[0], values.__getitem__))
        else:
            values[node] = noise[node.name] if node.name in noise else apply(node, values, keys.one(node))
    raise ValueError("The graph has no output.")


def apply(node: Node, values: Mapping[Node, Any], key: Any) -> Any:
    """The result of an operator for the values of the nodes that it reads."""
    args: Any = map_arg(node.args, values.__getitem__)
    kwargs: Any = map_arg(of_values(node.kwargs), values.__getitem__)
    return computed(node, args, kwargs, key)


def arguments(node: Node, given: Sequence[Any]) -> tuple[Any, Any]:
    """The arguments of an operator with these values for the nodes among them, in their order."""
    values = iter(given)
    args: Any = map_arg(node.args, lambda _: next(values))
    return args, map_arg(of_values(node.kwargs), lambda _: next(values))


def computed(node: Node, args: Sequence[Any], kwargs: Mapping[str, Any], key: Any) -> Any:
    """The result of an operator for these arguments."""
    if node.target is operator.getitem:
        return args[0][args[1]]
    lowering = _lowering(node)
    return lowering.apply(key, *args, **kwargs) if lowering.draws else lowering.apply(*args, **kwargs)


def _lowering(node: Node) -> Lowering:
    found = LOWERINGS.get(node.target)
    if found is None:
        line = node.meta.get("stack_trace")
        place = f" It comes from\n  {line}\n" if line else " "
        raise OperatorError(
            f"The operator {node.target} has no lowering to XLA.{place}Use engine='inductor' or engine='eager'."
        )
    return found

"""A program in the form that costs least to call: it writes its state in place, and its noise is drawn before."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

import torch
from torch import Tensor
from torch.fx import Graph, GraphModule, Node

from virgil.engine.operators.aten import aten
from virgil.engine.operators.noise import is_draw
from virgil.engine.recording.program import CapturedStep
from virgil.ops.operators import OpOverload
from virgil.ops.thread_generator import taking_generator, thread_generator
from virgil.ops.trees import tree_leaves

__all__ = ["Draw", "InPlace", "in_place", "inputs_of", "owned"]


Draw = Callable[[], Tensor]

# of operators whose numbers depend on a tensor's shape alone, what writes them into a tensor
_WRITES: dict[Any, Callable[..., Tensor]] = {
    aten.normal_functional.default: Tensor.normal_,
    aten.rand_like.default: Tensor.uniform_,
    aten.randn_like.default: Tensor.normal_,
}


@dataclass(frozen=True, eq=False)
class InPlace:
    """A program as a step that writes its state.

    Attributes:
        graph: from the state's tensors, the program's other inputs, its constants and noise to the loss and the
            gradients' norms.
        constants: the tensors that the program holds.
        written: by place in the state, the tensors that a step changes.
        draws: what gives the tensors of noise. Called in turn before a step, they draw the numbers of the program from
            this thread's generator; what one of them gives holds until it is called again.
        draws_inside: whether the graph draws more, from torch's generator.
    """

    graph: GraphModule
    constants: list[Tensor]
    written: list[int]
    draws: list[Draw]
    draws_inside: bool


def in_place(program: CapturedStep) -> InPlace:
    """The same steps, written into the tensors of the state that they are given."""
    graph, size, flat = program.graph.graph, program.num_state, Graph()
    values = inputs_of(program.graph.graph, flat)
    state = list(values.values())[:size]
    held = {node: program.constants[str(node.target)] for node in graph.find_nodes(op="get_attr")}
    draws = _first_draws(graph)
    for node, example in {**held, **{node: node.meta["val"] for node in draws}}.items():
        values[node] = flat.placeholder(node.name)
        values[node].meta.update(val=example, device=node.meta["device"])
    outputs = tree_leaves(flat.graph_copy(graph, values))
    written = [place for place in range(size) if not _is_copy(outputs[place], state[place])]
    after = [owned(flat, outputs[place]) for place in written]
    results = tuple(owned(flat, each) for each in outputs[size:])
    for place, value in zip(written, after, strict=True):
        flat.call_function(aten.copy_.default, (state[place], value))
    flat.output(results)
    draws_inside = any(map(is_draw, flat.nodes))
    return InPlace(GraphModule({}, flat), list(held.values()), written, list(draws.values()), draws_inside)


def inputs_of(source: Graph, graph: Graph) -> dict[Node, Node]:
    """Gives a graph the inputs of another.

    They lie in memory as copies of the other's own do: densely, and no two numbers of one at the same place. Who calls
    the graph begins with copies, so that it does not notice.
    """
    values = {node: graph.node_copy(node) for node in source.find_nodes(op="placeholder")}
    for node in values.values():
        node.meta["val"] = torch.empty_like(node.meta["val"])
    return values


def _first_draws(graph: Graph) -> dict[Node, Draw]:
    """The random operators up to the first whose numbers depend on values, because a generator gives them in order."""
    found = {}
    for node in graph.nodes:
        if not is_draw(node):
            continue
        draw = _draw(node)
        if draw is None:
            break
        found[node] = draw
    return found


def _draw(node: Node) -> Draw | None:
    """A function that draws the numbers of a node without its inputs; ``None`` where they depend on these."""
    target: Any = node.target
    if not node.all_input_nodes:
        taking = taking_generator(target)
        return partial(target if taking is None else _from_thread(taking), *node.args, **node.kwargs)
    shape, *options = node.args
    if target not in _WRITES or node.all_input_nodes != [shape]:
        return None
    value = node.meta["val"]
    memory = torch.empty_strided(value.shape, value.stride(), dtype=value.dtype)
    return partial(_from_thread(_WRITES[target]), memory, *options)


def _from_thread(draw: Callable[..., Tensor]) -> Callable[..., Tensor]:
    """The same from this thread's generator."""

    def drawn(*args: Any, **kwargs: Any) -> Tensor:
        return draw(*args, **{**kwargs, "generator": thread_generator()})

    return drawn


def _is_copy(value: Node, of: Node) -> bool:
    return value is of or (value.target is aten.clone.default and value.args[0] is of)


def owned(graph: Graph, node: Node) -> Node:
    """A value in memory that is no input's, because inputs are written before it is read again."""
    origin: Any = node
    while isinstance(origin.target, OpOverload) and origin.target.is_view:
        origin = origin.args[0]
    return graph.call_function(aten.clone.default, (node,)) if origin.op == "placeholder" else node

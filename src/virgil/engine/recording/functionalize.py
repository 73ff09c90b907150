"""Record a recorded graph once more: without mutation, and with operators taken apart."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

import torch
from torch import Tensor
from torch.fx import Graph, Node
from torch.fx.node import map_arg

from virgil.engine.operators.writes import Renaming, in_full, last_uses, without_writes
from virgil.engine.recording.record import Recorder

__all__ = ["functionalized", "renamed"]

Apart = Mapping[Any, Callable[..., Any]]


def renamed(graph: Graph, constants: Sequence[Tensor], inputs: Sequence[Tensor], apart: Apart) -> Recorder | None:
    """Where every write is into a tensor that nothing else shares: with new values in the place of writes.

    Args:
        graph: it has flat inputs and outputs.
        constants: the tensors that it holds, in its order.
        inputs: its arguments.
        apart: operators that are not to be nodes, as for :class:`Recorder`.
    """
    renaming = without_writes(graph)
    if renaming is None:
        return None
    recorder = _recorder(inputs, apart)
    with recorder:
        outputs = _rerun(recorder, graph, renaming, constants, inputs)
    if outputs is None:
        return None
    recorder.output(outputs)
    return recorder


def functionalized(graph: Graph, constants: Sequence[Tensor], inputs: Sequence[Tensor], apart: Apart) -> Recorder:
    """For any graph, by torch's own functionalization; it loads torch's symbolic shapes, and takes longer."""
    recorder = _recorder(inputs, apart)
    nothing = Renaming({}, {})
    # as an argument a constant is followed like any other tensor when something is written into what is made of it
    pure = torch.func.functionalize(lambda *given: _rerun(recorder, graph, nothing, *given), remove="mutations")
    with recorder:
        outputs = pure(constants, inputs)
    recorder.output(outputs)
    return recorder


def _recorder(inputs: Sequence[Tensor], apart: Apart) -> Recorder:
    recorder = Recorder(apart)
    for each in inputs:
        recorder.placeholder(each)
    return recorder


def _rerun(
    recorder: Recorder, graph: Graph, renaming: Renaming, constants: Sequence[Tensor], inputs: Sequence[Tensor]
) -> Any:
    """The graph's outputs; ``None`` where a tensor is laid out otherwise than the one that it is the new value of."""
    pure, root = renaming
    held, given = iter(constants), iter(inputs)
    values: dict[Node, Any] = {}
    target: Any
    done = _done(graph, root)

    def value(node: Node) -> Any:
        return values[root.get(node, node)]

    for place, node in enumerate(graph.nodes):
        if node.op == "placeholder":
            values[node] = next(given)
        elif node.op == "get_attr":
            values[node] = next(held)
        elif node.op == "output":
            return map_arg(node.args[0], value)
        else:
            recorder.line = partial(node.meta.get, "stack_trace")
            target, args, kwargs = node.target, map_arg(node.args, value), map_arg(node.kwargs, value)
            if node in pure:
                before = value(node)
                result = pure[node](*in_full(target, args), **kwargs).to(before.dtype)
                if result.stride() != before.stride():
                    return None
            else:
                result = target(*args, **kwargs)
            values[root.get(node, node)] = result
        for each in done[place]:
            del values[each]
    raise ValueError("The graph has no output.")


def _done(graph: Graph, root: Mapping[Node, Node]) -> dict[int, list[Node]]:
    """By place, the values that no later node reads, so that memory is given back as in the first run."""
    last: dict[Node, int] = {}
    for node, place in last_uses(graph).items():
        last[root.get(node, node)] = max(place, last.get(root.get(node, node), 0))
    done = defaultdict(list)
    for node, place in last.items():
        done[place].append(node)
    return done

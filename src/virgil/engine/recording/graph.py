"""A function of tensors as one graph of functional operators, by running it."""

from __future__ import annotations

import functools
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from torch import Tensor
from torch.export import default_decompositions
from torch.fx import Graph, GraphModule

from virgil.engine.operators.core_aten import PLAIN
from virgil.engine.operators.decompositions import FUNCTIONAL, RECORDED, WHOLE
from virgil.engine.recording.functionalize import functionalized, renamed
from virgil.engine.recording.record import Recorder
from virgil.ops.trees import TreeSpec, tree_flatten, tree_leaves, tree_unflatten

__all__ = ["Recording", "functional", "recorded", "traced"]


@dataclass(frozen=True, eq=False)
class Recording:
    """The operations of a function of tensors; called, it performs them.

    Attributes:
        graph: its operators; inputs and outputs are flat.
        constants: by name, the tensors that it holds.
        structure: how the outputs are nested.
    """

    graph: Graph
    constants: dict[str, Tensor] = field(repr=False)
    structure: TreeSpec = field(repr=False)

    def __call__(self, *args: Any) -> Any:
        """Do it for other arguments, nested like those that it was recorded with."""
        return tree_unflatten(self.module(*tree_leaves(args)), self.structure)

    @cached_property
    def module(self) -> GraphModule:
        """The graph as a module, with flat inputs and outputs."""
        return GraphModule(self.constants, self.graph)


def traced(fn: Callable[..., Any], *args: Any) -> Recording:
    """The operations of ``fn(*args)``, without mutation, in the Core ATen operator set."""
    return functional(recorded(fn, *args), *args)


def recorded(fn: Callable[..., Any], *args: Any) -> Recording:
    """The operations of ``fn(*args)`` as they happen, those of its derivatives among them.

    Each node's ``meta["stack_trace"]`` names the user's line that it comes from, where there is one.

    Raises:
        CaptureError: a tensor that depends on the arguments or on noise is used as a Python value.
    """
    recorder = Recorder(RECORDED)
    for each in tree_leaves(args):
        recorder.placeholder(each)
    with recorder.following():
        outputs, structure = tree_flatten(fn(*args))
    recorder.output(outputs)
    return Recording(recorder.graph, recorder.constants, structure)


def functional(record: Recording, *args: Any) -> Recording:
    """The same function without mutation and decomposed; only now, when no derivative is left to be taken."""
    given = record.graph, list(record.constants.values()), tree_leaves(args), _decompositions()
    recorder = renamed(*given) or functionalized(*given)
    graph = recorder.graph
    graph.eliminate_dead_code()
    held = {str(node.target) for node in graph.find_nodes(op="get_attr")}
    return Recording(graph, {name: each for name, each in recorder.constants.items() if name in held}, record.structure)


@functools.cache
def _decompositions() -> dict[Any, Callable[..., Any]]:
    """Into Core ATen; torch takes a tenth of a second to list them."""
    listed = dict(default_decompositions().items())  # torch's table fills itself when it is gone through
    plain = {op: _either(fn, listed.get(op, _as_it_is)) for op, fn in PLAIN.items()}
    return {op: fn for op, fn in {**listed, **plain, **FUNCTIONAL}.items() if op not in WHOLE}


def _as_it_is(*_: Any, **__: Any) -> Any:
    return NotImplemented


def _either(fn: Callable[..., Any], otherwise: Callable[..., Any]) -> Callable[..., Any]:
    def apply(*args: Any, **kwargs: Any) -> Any:
        result = fn(*args, **kwargs)
        return otherwise(*args, **kwargs) if result is NotImplemented else result

    return apply

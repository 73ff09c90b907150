"""A function of tensors as one graph of functional operators, by running it once."""

from __future__ import annotations

import functools
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from typing import Any

import torch
from torch import Tensor
from torch._decomp import core_aten_decompositions
from torch._guards import TracingContext, tracing
from torch._subclasses.fake_tensor import FakeTensorMode
from torch.fx import GraphModule
from torch.fx.experimental.proxy_tensor import make_fx
from torch.fx.traceback import preserve_node_meta
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.utils import _pytree as pytree

from virgil.engine.decompositions import FUNCTIONAL, RECORDED
from virgil.engine.lines import FollowsLines
from virgil.ops.compiling import as_when_compiling

__all__ = ["functional", "recorded", "traced"]


def traced(fn: Callable[..., Any], *args: Any) -> GraphModule:
    """The operations of ``fn(*args)``, without mutation, in the Core ATen operator set."""
    return functional(recorded(fn, *args), *args)


def recorded(fn: Callable[..., Any], *args: Any) -> GraphModule:
    """The operations of ``fn(*args)`` as they happen, those of its derivatives among them.

    Each node's ``meta["stack_trace"]`` names the user's line that it comes from, where there is one.
    """

    def followed(*args: Any) -> Any:
        with FollowsLines():
            return fn(*args)

    with as_when_compiling(), _in_plain_operators(), _described(), preserve_node_meta():
        graph = make_fx(followed, RECORDED)(*args)
    for node in reversed(graph.graph.nodes):  # what torch's optimisers tell its profiler
        if getattr(node.target, "namespace", None) == "profiler":
            graph.graph.erase_node(node)
    graph.recompile()
    return graph


def functional(graph: GraphModule, *args: Any) -> GraphModule:
    """The same function without mutation and decomposed; only now, when no derivative is left to be taken."""
    constants = [getattr(graph, str(node.target)) for node in graph.graph.find_nodes(op="get_attr")]
    # as an argument a constant is followed like any other tensor when something is written into what is made of it
    pure = torch.func.functionalize(lambda constants, *args: _replayed(graph, constants, args), remove="mutations")
    with _described(), preserve_node_meta():
        result = make_fx(lambda *args: pure(constants, *args), _decompositions())(*args)
    result.graph.eliminate_dead_code()
    result.recompile()
    return result


@functools.cache
def _decompositions() -> dict[Any, Callable[..., Any]]:
    """Into Core ATen; torch takes a tenth of a second to list them."""
    return {**core_aten_decompositions(), **FUNCTIONAL}


def _described() -> AbstractContextManager[object]:
    """Let all nodes share the mode that describes their values; torch would make one for each, in half of the time."""
    return tracing(TracingContext(FakeTensorMode(allow_fallback_kernels=True)))


def _replayed(graph: GraphModule, constants: Sequence[Tensor], args: Any) -> Any:
    """Run a graph with other constants than its own."""
    held, inputs = graph.graph.find_nodes(op="get_attr"), graph.graph.find_nodes(op="placeholder")
    given = zip([*held, *inputs], [*constants, *pytree.tree_leaves(args)], strict=True)
    return torch.fx.Interpreter(graph).run(initial_env=dict(given))


@contextmanager
def _in_plain_operators() -> Iterator[None]:
    """Attention and recurrent layers as products and pointwise functions, not as one kernel of a certain device."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="TF32 acceleration on top of oneDNN")  # torch warns of its own call
        with sdpa_kernel(SDPBackend.MATH), torch.backends.mkldnn.flags(enabled=False):
            yield

"""A function of tensors as one graph of functional operators, by running it once."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch._decomp import core_aten_decompositions
from torch.fx import GraphModule
from torch.fx.experimental.proxy_tensor import make_fx
from torch.fx.traceback import preserve_node_meta
from torch.utils import _pytree as pytree

from virgil.engine.lines import NotesLines

__all__ = ["traced"]


def traced(fn: Callable[..., Any], *args: Any) -> GraphModule:
    """The operations of ``fn(*args)``, without mutation, in the Core ATen operator set.

    The first trace sees the program with its derivatives; the second runs on what the first recorded, so that only
    tensor operations are left to be made functional and decomposed. Each node's ``meta["stack_trace"]`` names the
    Python lines that it comes from, where there are any.
    """
    with _as_when_compiling(), preserve_node_meta():
        recorded = make_fx(_noting_lines(fn))(*args)
        functional = torch.func.functionalize(_replayed(recorded), remove="mutations")
        graph = make_fx(functional, core_aten_decompositions())(*args)
    graph.graph.eliminate_dead_code()
    graph.recompile()
    return graph


def _noting_lines(fn: Callable[..., Any]) -> Callable[..., Any]:
    def noting(*args: Any) -> Any:
        with NotesLines():
            return fn(*args)

    return noting


def _replayed(graph: GraphModule) -> Callable[..., Any]:
    def replay(*args: Any) -> Any:
        return torch.fx.Interpreter(graph).boxed_run(pytree.tree_leaves(args))

    return replay


@contextmanager
def _as_when_compiling() -> Iterator[None]:
    """Make ``torch.compiler.is_compiling()`` true, as ``torch.export`` does: optimisers then keep counts as tensors."""
    before = torch.compiler.is_compiling
    torch.compiler.is_compiling = lambda: True
    try:
        yield
    finally:
        torch.compiler.is_compiling = before

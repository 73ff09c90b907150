"""Compare a function of tensors with its lowering to XLA: values, shapes and dtypes, and those of its gradient."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax
import torch
from torch import Tensor
from torch.utils import _pytree as pytree

from virgil.engine.graph import traced
from virgil.engine.xla.arrays import dtype_of, to_array, to_tensor
from virgil.engine.xla.interpret import check_lowered, interpret


def lowered(fn: Callable[..., Any], *args: Any, key: Any = None) -> list[Tensor]:
    """What ``fn(*args)`` gives when it is captured, lowered and compiled; a flat list."""
    graph = traced(fn, *args)
    check_lowered(graph.graph)
    constants = {
        node.target: to_array(getattr(graph, node.target)) for node in graph.graph.nodes if node.op == "get_attr"
    }
    inputs = [to_array(each) for each in pytree.tree_leaves(args)]
    with jax.enable_x64(True):
        outputs = jax.jit(lambda given, key: interpret(graph.graph, given, constants, key))(inputs, key)
    return [to_tensor(each) for each in outputs]


def operators_of(fn: Callable[..., Any], *args: Any) -> set[Any]:
    """The operators that ``fn(*args)`` is captured as."""
    return {node.target for node in traced(fn, *args).graph.nodes if node.op == "call_function"}


def assert_lowered(fn: Callable[..., Any], *args: Any, **tolerance: Any) -> None:
    """``fn(*args)`` and its lowering agree in value, shape and dtype."""
    expected = [each for each in pytree.tree_leaves(fn(*args)) if isinstance(each, Tensor)]
    got = lowered(fn, *args)
    assert len(got) == len(expected)
    for each, other in zip(got, expected, strict=True):
        assert dtype_of(each.numpy()) == other.dtype
        torch.testing.assert_close(each, other.detach(), equal_nan=True, **tolerance)


def assert_gradient_lowered(fn: Callable[..., Any], *args: Any, **tolerance: Any) -> None:
    """The gradient of a fixed mixture of the outputs of ``fn(*args)`` and its lowering agree, where there is one."""

    def gradient(*args: Any) -> Any:
        leaves = [each for each in pytree.tree_leaves(args) if isinstance(each, Tensor) and each.requires_grad]
        outputs = [each for each in pytree.tree_leaves(fn(*args)) if isinstance(each, Tensor) and each.requires_grad]
        total = sum(
            (each * torch.linspace(0.5, 1.5, each.numel(), dtype=each.dtype).reshape(each.shape)).sum()
            for each in outputs
        )
        return torch.autograd.grad(total, leaves, allow_unused=True, materialize_grads=True)

    assert_lowered(gradient, *args, **tolerance)

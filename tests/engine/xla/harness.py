"""Compare a function of tensors with its lowering to XLA: values, shapes and dtypes, and those of its gradient."""

from __future__ import annotations

import functools
import inspect
import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import jax
import torch
from torch import Tensor
from torch.testing._internal.common_methods_invocations import op_db
from torch.utils import _pytree as pytree

from virgil.engine.recording.graph import Recording, traced
from virgil.engine.xla.arrays import dtype_of, to_array, to_tensor
from virgil.engine.xla.interpret import check_lowered, interpret
from virgil.engine.xla.registry import ABSENT, LOWERINGS


def lowered(fn: Callable[..., Any], *args: Any, key: Any = None) -> list[Tensor]:
    """What ``fn(*args)`` gives when it is captured, lowered and compiled; a flat list."""
    graph = traced(fn, *args)
    check_lowered(graph.graph)
    with jax.enable_x64(True):
        constants = _constants(graph)
        inputs = [to_array(each) for each in pytree.tree_leaves(args)]
        outputs = jax.jit(lambda given, key: interpret(graph.graph, given, constants, key))(inputs, key)
    return [to_tensor(each) for each in outputs]


def _constants(graph: Recording) -> dict[str, Any]:
    return {name: to_array(each) for name, each in graph.constants.items()}


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


@dataclass(frozen=True)
class Captured:
    """A graph with inputs and what it must give."""

    graph: Recording
    inputs: Sequence[Tensor]
    expected: Sequence[Tensor]

    @property
    def operators(self) -> set[Any]:
        return {node.target for node in self.graph.graph.nodes if node.op == "call_function"}


def captured(fn: Callable[..., Any], *tensors: Tensor) -> Captured:
    """The captured graph of ``fn(*tensors)``."""
    expected = [each.detach() for each in pytree.tree_leaves(fn(*tensors)) if isinstance(each, Tensor)]
    return Captured(traced(fn, *tensors), tensors, expected)


def accepted(fn: Callable[..., Any], cases: Iterable[tuple[Tensor, ...]]) -> list[tuple[Tensor, ...]]:
    """Those of the arguments that torch takes."""

    def is_accepted(case: tuple[Tensor, ...]) -> bool:
        try:
            fn(*case)
        except (RuntimeError, IndexError, TypeError):
            return False
        return True

    return [case for case in cases if is_accepted(case)]


def is_in_torchs_table(name: str) -> bool:
    """Whether torch's table of operators has one of this name."""
    return any(each.name == name for each in op_db)


@functools.cache
def samples_of(name: str, dtype: torch.dtype, limit: int, gradient: bool) -> list[Captured]:
    """The captured graphs of an operator of torch's table, ``name`` or ``name/variant``, at its sample inputs.

    With ``gradient``, the graph also has the derivative of a fixed mixture of the outputs, where there is one.
    """
    wanted, _, variant = name.partition("/")
    (info,) = (each for each in op_db if (each.name, each.variant_test_name) == (wanted, variant))
    gradient = gradient and info.supports_autograd
    samples = list(info.sample_inputs("cpu", dtype, requires_grad=gradient))
    step = max(1, len(samples) // limit)
    return [_captured_sample(info, sample, gradient) for sample in samples[::step][:limit]]


def _captured_sample(info: Any, sample: Any, gradient: bool) -> Captured:
    leaves, spec = pytree.tree_flatten((sample.input, sample.args, sample.kwargs))
    places = [place for place, each in enumerate(leaves) if isinstance(each, Tensor)]

    def fn(*tensors: Tensor) -> list[Tensor]:
        given = list(leaves)
        for place, each in zip(places, tensors, strict=True):
            given[place] = each.clone()  # what the operator changes is no input of the graph
        input, args, kwargs = pytree.tree_unflatten(given, spec)
        result = sample.output_process_fn_grad(info(input, *args, **kwargs))
        outputs = [each for each in pytree.tree_leaves(result) if isinstance(each, Tensor)]
        return outputs + (_gradients(outputs, tensors) if gradient else [])

    tensors = [leaves[place] for place in places]
    return captured(fn, *tensors)


def _gradients(outputs: Sequence[Tensor], tensors: Sequence[Tensor]) -> list[Tensor]:
    roots = [each for each in outputs if each.requires_grad]
    leaves = [each for each in tensors if each.requires_grad]
    if not (roots and leaves):
        return []
    mixed = [(each * torch.linspace(0.5, 1.5, each.numel(), dtype=each.dtype).reshape(each.shape)) for each in roots]
    return list(torch.autograd.grad([each.sum() for each in mixed], leaves, allow_unused=True, materialize_grads=True))


def assert_samples_lowered(captures: Sequence[Captured], **tolerance: Any) -> None:
    """All these graphs, lowered and compiled as one, give what they must."""

    def run(given: Sequence[Any]) -> list[Any]:
        return [
            interpret(each.graph.graph, inputs, _constants(each.graph), None)
            for each, inputs in zip(captures, given, strict=True)
        ]

    for each in captures:
        check_lowered(each.graph.graph)
    with jax.enable_x64(True):
        got = jax.jit(run)([[to_array(each) for each in one.inputs] for one in captures])
    for one, outputs in zip(captures, got, strict=True):
        assert len(outputs) == len(one.expected)
        for output, expected in zip(outputs, one.expected, strict=True):
            assert dtype_of(output) == expected.dtype
            torch.testing.assert_close(to_tensor(output), expected, equal_nan=True, **tolerance)


def lowerings_in(*modules: Any) -> set[Any]:
    """The operators that these files lower: those registered that they name."""
    return {operator for operator in LOWERINGS if operator._schema.name.split("::")[1] in _named(modules)}


def absent_in(*modules: Any) -> set[Any]:
    """Those that these files would lower, and that this version of torch lacks."""
    return {operator for operator in ABSENT if str(operator).split(".")[1] in _named(modules)}


def _named(modules: Iterable[Any]) -> set[str]:
    sources = map(inspect.getsource, modules)
    return {name for source in sources for name in re.findall(r"(?:aten|prims|_virgil)\.(\w+)", source)}

"""Operators some of whose numbers are arrays, because they change from round to round."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import jax.numpy as jnp
import numpy as np
import torch
from jax import Array, lax
from torch import Tensor
from torch.fx import Node

from virgil.engine.operators.aten import aten
from virgil.engine.xla.arrays import DTYPES
from virgil.engine.xla.interpret import arguments, computed

__all__ = ["apply_to_numbers", "column"]


_PARTS: dict[Any, int] = {aten.select.int: 1, aten.slice.Tensor: 1, aten.slice_scatter.default: 2}
"""Operators on a part of a tensor, and which argument is the dim."""


def column(nodes: Sequence[Node], argument: int) -> Any:
    """A number among the arguments of operators of one kind, one an operator."""
    values: list[Any] = [node.args[argument] for node in nodes]
    first = nodes[0]
    if first.target in _PARTS:
        size = _size(first)
        return np.array([min(max(value + size, 0) if value < 0 else value, size) for value in values])
    tensors = first.all_input_nodes
    if not tensors:
        return np.array(values)
    return np.array(values, DTYPES[torch.result_type(_value(tensors[0]), values[0])])


def _value(node: Any) -> Tensor:
    value: Tensor = node.meta["val"]
    return value


def _size(node: Node) -> int:
    """How long the dim is of which a part is meant."""
    dim: Any = node.args[_PARTS[node.target]]
    return int(_value(node.args[0]).shape[dim])


def apply_to_numbers(node: Node, given: Sequence[Any], numbers: Mapping[int, Any], key: Any) -> Any:
    """The result of an operator for arrays in the place of the nodes that it reads, and of some of its numbers.

    Args:
        node: the operator.
        given: arrays for the nodes among its arguments, in their order.
        numbers: by position among the arguments.
        key: for a random operator.
    """
    args, kwargs = arguments(node, given)
    if node.target not in _PARTS:
        return computed(node, [numbers.get(place, each) for place, each in enumerate(args)], kwargs, key)
    place = _PARTS[node.target]
    if place + 1 not in numbers:
        return computed(node, args, kwargs, key)
    dim, start = args[place], numbers[place + 1]
    step = args[place + 3] if len(args) > place + 3 else 1
    if node.target is aten.select.int:
        return lax.dynamic_index_in_dim(args[0], start, dim, keepdims=False)
    if node.target is aten.slice.Tensor:
        return _slice(args[0], dim, start, step, _value(node).shape[dim])
    return _slice_scatter(args[0], args[1], dim, start, step)


def _slice(x: Array, dim: int, start: Any, step: int, length: int) -> Array:
    part = lax.dynamic_slice_in_dim(x, start, max(0, (length - 1) * step + 1), dim)
    return lax.slice_in_dim(part, 0, part.shape[dim], step, dim)


def _slice_scatter(x: Array, source: Array, dim: int, start: Any, step: int) -> Array:
    """One entry after another is written, as what lies between them stays."""
    dim %= x.ndim
    places = start + step * jnp.arange(source.shape[dim])
    return x.at[(slice(None),) * dim + (places,)].set(source.astype(x.dtype))

"""Tensors among the nested arguments of a call. Lists, tuples and dicts take much less time than in torch's trees."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from virgil.ops.trees import tree_map_only

__all__ = ["mapped", "tensors_in"]


def mapped(fn: Callable[[Tensor], Any], value: Any) -> Any:
    """The same nested value, with each tensor replaced by ``fn`` of it."""
    kind = type(value)
    if isinstance(value, Tensor):
        return fn(value)
    if kind is tuple:
        return tuple([mapped(fn, each) for each in value])
    if kind is list:
        return [mapped(fn, each) for each in value]
    if kind is dict:
        return {key: mapped(fn, each) for key, each in value.items()}
    return value if kind in _LEAVES else tree_map_only(Tensor, fn, value)


def tensors_in(value: Any) -> list[Tensor]:
    """The tensors of a nested value, in their order."""
    found: list[Tensor] = []
    mapped(found.append, value)
    return found


_LEAVES = frozenset(
    {int, float, bool, str, type(None), torch.dtype, torch.device, torch.layout, torch.memory_format, torch.Size}
)

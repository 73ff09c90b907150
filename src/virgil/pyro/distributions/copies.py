"""Copies of any object with its tensors moved or detached."""

from __future__ import annotations

import copy
import gc
from collections.abc import Iterator
from types import BuiltinFunctionType, FunctionType, ModuleType
from typing import Any, TypeVar

from torch import Tensor, nn

__all__ = ["deep_to", "detach"]

_T = TypeVar("_T")
_ATOMS = (type, ModuleType, FunctionType, BuiltinFunctionType)  # which a deep copy does not copy


def deep_to(obj: _T, *args: Any, **kwargs: Any) -> _T:
    """A deep copy whose tensors are ``tensor.to(*args, **kwargs)``.

    A module is moved in place first, as ``torch.nn.Module.to`` does it, and copied then. A tensor for which there is
    nothing to do is shared with the copy.

    Args:
        obj: any object that can be copied.
        args: the arguments of ``torch.Tensor.to``.
        kwargs: its keywords.

    >>> import torch
    >>> deep_to({"a": [torch.zeros(2)]}, torch.double)["a"][0].dtype
    torch.float64
    """
    for each in list(_inside(obj)):
        if isinstance(each, nn.Module):
            each.to(*args, **kwargs)
    tensors = [each for each in _inside(obj) if isinstance(each, Tensor)]
    return copy.deepcopy(obj, {id(each): each.to(*args, **kwargs) for each in tensors})


def detach(obj: _T) -> _T:
    """A deep copy whose tensors are those of ``obj`` without their gradients. No tensor's data is copied.

    >>> import torch
    >>> detach([torch.zeros(2, requires_grad=True)])[0].requires_grad
    False
    """
    return copy.deepcopy(obj, {id(each): each.detach() for each in _inside(obj) if isinstance(each, Tensor)})


def _inside(obj: Any) -> Iterator[Any]:
    """The object and all that it refers to, each once; what is inside of tensors is left out."""
    seen: set[int] = set()
    pending = [obj]
    while pending:
        each = pending.pop()
        if id(each) in seen or isinstance(each, _ATOMS):
            continue
        seen.add(id(each))
        yield each
        if not isinstance(each, Tensor):
            pending.extend(gc.get_referents(each))

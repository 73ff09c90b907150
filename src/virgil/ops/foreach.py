"""Operations on each tensor of a list, by torch's kernels for lists.

A kernel replaces a loop of calls by one call. Torch's own optimisers use these kernels, under private names. A version
of torch that lacks a name gets the loop.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor

__all__ = ["each", "foreach"]

Tensors = list[Tensor] | tuple[Tensor, ...]


def foreach(name: str, tensors: Tensors, *args: Any, **kwargs: Any) -> Tensors:
    """Call an operation on each tensor. An argument that is a list gives one element to each call; others are shared.

    Args:
        name: the name of a method of ``Tensor``, such as ``"mul_"``; ``"norm"`` is the Euclidean norm.
        tensors: the first arguments; at least one.
        *args: further arguments.
        **kwargs: options, the same for all.

    >>> list(foreach("mul", [torch.tensor(2.0), torch.tensor(3.0)], 10.0))
    [tensor(20.), tensor(30.)]
    """
    kernel: Callable[..., Any] | None = getattr(torch, f"_foreach_{name}", None)
    if kernel is None:
        single = torch.linalg.vector_norm if name == "norm" else getattr(Tensor, name)
        return each(single)(tensors, *args, **kwargs)
    result = kernel(tensors, *args, **kwargs)
    return tensors if result is None else result


def each(fn: Callable[..., Any]) -> Callable[..., list[Any]]:
    """A function of tensors as a function of lists of tensors."""

    def apply(tensors: Sequence[Tensor], *args: Any, **kwargs: Any) -> list[Any]:
        rows = [arg if isinstance(arg, (list, tuple)) else [arg] * len(tensors) for arg in args]
        return [fn(*row, **kwargs) for row in zip(tensors, *rows, strict=True)]

    return apply

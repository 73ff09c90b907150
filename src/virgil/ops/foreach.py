"""Operations on each tensor of a list, by torch's kernels for lists.

A kernel does in one call what takes a loop one call a tensor. Torch's own optimisers use them, under names that are
private; where this version of torch has no such name, the loop is taken.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor

__all__ = ["each", "foreach"]

Tensors = list[Tensor] | tuple[Tensor, ...]


def foreach(name: str, tensors: Tensors, *args: Any, **kwargs: Any) -> Tensors:
    """Call an operation on each tensor; arguments that are lists go along, others are shared.

    Args:
        name: of a method of ``Tensor``, such as ``"mul_"``; ``"norm"`` is the Euclidean norm.
        tensors: the first arguments; not empty.
        *args: further arguments.
        **kwargs: options, the same for all.

    >>> foreach("mul", [torch.tensor(2.0), torch.tensor(3.0)], 10.0)
    [tensor(20.), tensor(30.)]
    """
    kernel: Callable[..., Any] | None = getattr(torch, f"_foreach_{name}", None)
    if kernel is None:
        single = torch.linalg.vector_norm if name == "norm" else getattr(Tensor, name)
        return each(single)(tensors, *args, **kwargs)
    result = kernel(tensors, *args, **kwargs)
    return tensors if result is None else result


def each(fn: Callable[..., Any]) -> Callable[..., list[Any]]:
    """A function of tensors as one on lists of them."""

    def apply(tensors: Sequence[Tensor], *args: Any, **kwargs: Any) -> list[Any]:
        rows = [arg if isinstance(arg, (list, tuple)) else [arg] * len(tensors) for arg in args]
        return [fn(*row, **kwargs) for row in zip(tensors, *rows, strict=True)]

    return apply

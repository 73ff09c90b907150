"""Indexing by nested tuples."""

from __future__ import annotations

from typing import Any

from torch import Tensor

__all__ = ["Index", "index"]


def index(tensor: Tensor, args: Any) -> Tensor:
    """``tensor[args]`` where a part of the index may itself be a tuple: its entries stand in its place.

    So ``index(x, (..., t))`` serves for a number ``t``, for a slice, and for ``(..., None)``, which adds a dim. Of
    ellipses that come to stand side by side, one remains.

    >>> import torch
    >>> index(torch.zeros(2, 3), (..., (..., None))).shape
    torch.Size([2, 3, 1])
    """
    if not isinstance(args, tuple):
        return tensor[args]
    flat: list[Any] = []
    for part in _parts(args):
        if part is not Ellipsis or not flat or flat[-1] is not Ellipsis:
            flat.append(part)
    return tensor[tuple(flat)]


def _parts(args: tuple[Any, ...]) -> list[Any]:
    return [each for part in args for each in (_parts(part) if isinstance(part, tuple) else [part])]


class Index:
    """``Index(x)[..., i, (j, k)]``: :func:`index`, written as indexing."""

    def __init__(self, tensor: Tensor) -> None:
        self._tensor = tensor

    def __getitem__(self, args: Any) -> Tensor:
        return index(self._tensor, args)

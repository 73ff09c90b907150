"""One kind of map, several times in a row."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from torch.distributions.transforms import Transform

from virgil.distributions.transforms.compose_transform_module import ComposeTransformModule

__all__ = ["iterated"]


def iterated(repeats: int, base_fn: Callable[..., Transform], *args: Any, **kwargs: Any) -> ComposeTransformModule:
    """The composition of maps that one function makes, each with parameters of its own.

    Args:
        repeats: how many maps.
        base_fn: makes a map, such as :func:`~virgil.distributions.transforms.planar`.
        *args: what it is called with.
        **kwargs: the same, by name.

    >>> import torch
    >>> from virgil.distributions.transforms import planar
    >>> flow = iterated(4, planar, 2)
    >>> len(flow), flow(torch.zeros(10, 2)).shape
    (4, torch.Size([10, 2]))
    """
    return ComposeTransformModule([base_fn(*args, **kwargs) for _ in range(repeats)])

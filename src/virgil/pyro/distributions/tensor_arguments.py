"""Small functions of tensors and numbers that old programs import from their distributions."""

from __future__ import annotations

from typing import Any

import torch
from torch import Size, Tensor
from torch.distributions.utils import broadcast_all

from virgil.distributions.core.score_parts import scale_and_mask
from virgil.distributions.util import sum_rightmost
from virgil.errors import ShapeError
from virgil.ops.broadcast import broadcast_shapes
from virgil.ops.sizes import Sizes

__all__ = [
    "broadcast_all",
    "broadcast_shape",
    "eye_like",
    "gather",
    "is_identically_one",
    "is_identically_zero",
    "log_sum_exp",
    "logsumexp",
    "scalar_like",
    "scale_and_mask",
    "sum_leftmost",
    "sum_rightmost",
]


def broadcast_shape(*shapes: Sizes, strict: bool = False) -> tuple[int, ...]:
    """The shape of tensors of these shapes, broadcast.

    Args:
        shapes: shapes of tensors.
        strict: True if a dim may be added but not grow.

    Raises:
        ShapeError: they do not broadcast.

    >>> broadcast_shape((2, 1), (3,))
    (2, 3)
    """
    try:
        shape = tuple(broadcast_shapes(*map(Size, shapes)))
    except RuntimeError as error:
        raise ShapeError(f"The shapes {_listed(shapes)} do not broadcast.") from error
    if strict and any(size != shape[dim - len(each)] for each in shapes for dim, size in enumerate(each)):
        raise ShapeError(f"The shapes {_listed(shapes)} broadcast only where a dim of size 1 grows, and strict=True.")
    return shape


def _listed(shapes: tuple[Sizes, ...]) -> str:
    return ", ".join(str(tuple(each)) for each in shapes)


def eye_like(value: Tensor, m: int, n: int | None = None) -> Tensor:
    """An identity matrix of the dtype and device of ``value``. Shape: ``(m, n)``, n being m if it is not given."""
    return torch.eye(m, m if n is None else n, dtype=value.dtype, device=value.device)


def scalar_like(prototype: Tensor, fill_value: float) -> Tensor:
    """A number as a tensor of the dtype and device of ``prototype``. Shape: ``()``."""
    return torch.scalar_tensor(fill_value, dtype=prototype.dtype, device=prototype.device)


def gather(value: Tensor, index: Tensor, dim: int) -> Tensor:
    """``torch.gather`` after broadcasting all dims but ``dim``, which counts from the right.

    >>> gather(torch.arange(6.0).reshape(2, 3), torch.tensor([[0], [2]]), -1)
    tensor([[0.],
            [5.]])
    """
    dims = max(value.dim(), index.dim())
    place = dim % dims if dim < 0 else dim + dims - value.dim()
    value, index = (each.reshape((1,) * (dims - each.dim()) + each.shape) for each in (value, index))
    rest = broadcast_shapes(*(Size([*each.shape[:place], *each.shape[place + 1 :]]) for each in (value, index)))
    value, index = (each.expand([*rest[:place], each.shape[place], *rest[place:]]) for each in (value, index))
    return value.gather(place, index)


def is_identically_zero(x: Any) -> bool:
    """True for the number 0; False for other numbers and for every tensor."""
    return isinstance(x, int | float) and x == 0


def is_identically_one(x: Any) -> bool:
    """True for the number 1; False for other numbers and for every tensor."""
    return isinstance(x, int | float) and x == 1


def logsumexp(value: Tensor, dim: int, keepdim: bool = False) -> Tensor:
    """The logarithm of a sum of exponentials along a dim."""
    return torch.logsumexp(value, dim, keepdim)


log_sum_exp = logsumexp


def sum_leftmost(value: Tensor | float, dim: float) -> Tensor | float:
    """The sum over the ``dim`` leftmost dims; with a negative number, over all but the ``-dim`` rightmost.

    >>> sum_leftmost(torch.ones(2, 3, 4), 1).shape
    torch.Size([3, 4])
    """
    if not isinstance(value, Tensor) or dim == 0:
        return value
    count = min(dim, value.dim()) if dim > 0 else value.dim() + dim
    return value.sum(tuple(range(int(count)))) if count > 0 else value

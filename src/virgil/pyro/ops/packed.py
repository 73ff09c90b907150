"""Packed tensors: tensors of which each dim has a name of one letter, in the attribute ``_pyro_dims``.

A number stands for a tensor without dims.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor

from virgil.errors import ArgumentError

__all__ = [
    "broadcast_all",
    "dims_of",
    "exp",
    "gather",
    "mul",
    "named",
    "nameless_dims",
    "neg",
    "pack",
    "rename_equation",
    "scale_and_mask",
    "unpack",
]


def dims_of(value: Any) -> str:
    """The names of a packed tensor's dims; none of a number's."""
    dims: str = getattr(value, "_pyro_dims", "")
    return dims


def named(value: Tensor, dims: str) -> Tensor:
    """The tensor itself, packed with these names."""
    value._pyro_dims = dims  # type: ignore[attr-defined]
    return value


def pack(value: Any, dim_to_symbol: Mapping[int, str]) -> Any:
    """A tensor packed: dims of size one are left out, and the others get their names.

    Args:
        value: a tensor or a number.
        dim_to_symbol: by dim, counted from the right, its name.

    Raises:
        ArgumentError: a dim has no name.
    """
    if not isinstance(value, Tensor):
        return value
    kept, nameless = _wide(value), nameless_dims(value, dim_to_symbol)
    if nameless:
        raise ArgumentError(
            f"pack got a tensor of shape {tuple(value.shape)} and names of the dims {sorted(dim_to_symbol)}; dims "
            f"{nameless} have none."
        )
    packed = value.reshape([value.shape[dim] for dim in kept])
    return named(packed.view_as(packed), "".join(dim_to_symbol[dim] for dim in kept))


def nameless_dims(value: Tensor, dim_to_symbol: Mapping[int, str]) -> list[int]:
    """The dims of more than one entry that have no name, counted from the right."""
    return [dim for dim in _wide(value) if dim not in dim_to_symbol]


def _wide(value: Tensor) -> list[int]:
    return [dim for dim in range(-value.dim(), 0) if value.shape[dim] != 1]


def unpack(value: Any, symbol_to_dim: Mapping[str, int]) -> Any:
    """A packed tensor with its dims at their places and others of size one between them.

    Args:
        value: a packed tensor or a number.
        symbol_to_dim: by name, the dim, counted from the right.
    """
    if not isinstance(value, Tensor) or not value.dim():
        return value
    order = sorted(dims_of(value), key=symbol_to_dim.__getitem__)
    shape = [1] * -symbol_to_dim[order[0]]
    for symbol in order:
        shape[symbol_to_dim[symbol]] = value.shape[dims_of(value).index(symbol)]
    return value.permute([dims_of(value).index(symbol) for symbol in order]).reshape(shape)


def _aligned(value: Tensor, dims: str) -> Tensor:
    """With the dims in this order, of size one where it lacks them."""
    own = dims_of(value)
    sizes = iter(value.permute([own.index(dim) for dim in dims if dim in own]).shape)
    shape = [next(sizes) if dim in own else 1 for dim in dims]
    return value.permute([own.index(dim) for dim in dims if dim in own]).reshape(shape)


def broadcast_all(*values: Tensor, dims: str | None = None) -> tuple[Tensor, ...]:
    """Packed tensors with all of their dims, in one order.

    Args:
        *values: packed tensors.
        dims: the order; sorted names, if not given.
    """
    dims = "".join(sorted({dim for value in values for dim in dims_of(value)})) if dims is None else dims
    expanded = torch.broadcast_tensors(*(_aligned(value, dims) for value in values))
    return tuple(named(each.view_as(each), dims) for each in expanded)


def gather(value: Any, index: Tensor, dim: str) -> Any:
    """Look up along a named dim: the result has the other dims of ``value`` and those of ``index``.

    Args:
        value: a packed tensor or a number.
        index: packed whole numbers.
        dim: the name of the dim that is looked up.
    """
    if dim not in dims_of(value):
        return value
    dims = "".join(sorted((set(dims_of(value)) | set(dims_of(index))) - {dim}))
    source, places = _aligned(value, dims + dim), _aligned(index, dims).unsqueeze(-1)
    shape = torch.broadcast_shapes(source.shape[:-1], places.shape[:-1])
    found = source.expand(*shape, -1).gather(-1, places.expand(*shape, 1)).squeeze(-1)
    return named(found, dims)


def mul(lhs: Any, rhs: Any) -> Any:
    """The product of packed tensors or numbers."""
    if isinstance(lhs, Tensor) and isinstance(rhs, Tensor):
        left, right = broadcast_all(lhs, rhs)
        return named(left * right, dims_of(left))
    product = lhs * rhs
    return named(product, dims_of(lhs) or dims_of(rhs)) if isinstance(product, Tensor) else product


def exp(value: Any) -> Any:
    """The exponential of each entry."""
    if isinstance(value, Tensor):
        return named(value.exp(), dims_of(value))
    return torch.tensor(float(value)).exp().item()


def neg(value: Any) -> Any:
    """Each entry with the other sign."""
    return named(-value, dims_of(value)) if isinstance(value, Tensor) else -value


def scale_and_mask(tensor: Tensor, scale: Any = 1.0, mask: Any = None) -> Tensor:
    """Each entry times a scale, and zero where the mask is false.

    Args:
        tensor: a packed tensor.
        scale: a positive number.
        mask: a packed tensor of booleans, one boolean, or ``None`` for true.

    Raises:
        ArgumentError: a scale with dims.
    """
    if isinstance(scale, Tensor) and scale.dim():
        raise ArgumentError(f"scale_and_mask got a scale of shape {tuple(scale.shape)}; it takes one number.")
    dims = dims_of(tensor)
    is_one = not isinstance(scale, Tensor) and scale == 1.0
    result = tensor if is_one else named(tensor * scale, dims)
    if mask is None or mask is True:
        return result
    if mask is False:
        return named(torch.zeros_like(result), dims)
    wide, where = broadcast_all(result, mask)
    return named(torch.where(where, wide, 0.0), dims_of(wide))


def rename_equation(equation: str, *operands: Tensor) -> str:
    """An equation in the names of the operands' dims.

    Args:
        equation: of einsum, in any letters.
        *operands: packed tensors.
    """
    inputs = equation.split("->", maxsplit=1)[0].split(",")
    names = {
        letter: name
        for term, operand in zip(inputs, operands, strict=True)
        for letter, name in zip(term, dims_of(operand), strict=True)
    }
    return "".join(names.get(letter, letter) for letter in equation)

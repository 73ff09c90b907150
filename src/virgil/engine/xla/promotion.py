"""Torch's promotion of dtypes: tensors without dims, and Python numbers, take part by category only."""

from __future__ import annotations

import functools
from collections.abc import Callable
from enum import Enum, auto
from typing import Any

import jax.numpy as jnp
import torch
from torch import Tensor

from virgil.engine.xla.arrays import DTYPES, dtype_of

__all__ = ["Described", "Kind", "converted", "dtypes_of", "promoted"]


Described = tuple[torch.dtype, bool] | type
"""Of an array its dtype and whether it has dims, of a number its type."""


class Kind(Enum):
    """A rule that takes the common dtype of an operator's arguments to that of its result."""

    SAME = auto()
    FLOAT = auto()  # integers become floats
    NUMBER = auto()  # truth values become integers
    REAL = auto()  # complex numbers give real ones
    TRUTH = auto()  # the result is true or false


def converted(x: Any, dtype: torch.dtype) -> Any:
    """An array or number in another dtype.

    Truth values become floats by way of integers: else XLA makes a choice of a product with them, which is 0 where
    torch has NaN, at ``inf * False`` for instance.
    """
    x, target = jnp.asarray(x), DTYPES[dtype]
    return (x.astype(jnp.int8) if x.dtype == jnp.bool_ else x).astype(target)


def promoted(fn: Callable[..., Any], kind: Kind = Kind.SAME) -> Callable[..., Any]:
    """``fn`` on arrays and numbers in the dtype that torch computes in, its result in the one that torch gives."""

    def apply(*args: Any) -> Any:
        inputs, result = dtypes_of(tuple(map(_described, args)), kind)
        return converted(fn(*(converted(each, inputs) for each in args)), result)

    return apply


def dtypes_of(args: tuple[Described, ...], kind: Kind) -> tuple[torch.dtype, torch.dtype]:
    """In which dtype torch computes, and in which it gives the result: half precision is computed in single."""
    common = _promoted(args, torch.get_default_dtype())
    if kind is Kind.FLOAT and not (common.is_floating_point or common.is_complex):
        common = torch.get_default_dtype()
    if kind is Kind.NUMBER and common is torch.bool:
        common = torch.int64
    inputs = torch.float32 if common in (torch.float16, torch.bfloat16) else common
    if kind is Kind.TRUTH:
        return inputs, torch.bool
    return inputs, common.to_real() if kind is Kind.REAL and common.is_complex else common


def _described(each: Any) -> Described:
    return type(each) if isinstance(each, (bool, int, float, complex)) else (dtype_of(each), len(each.shape) > 0)


@functools.cache
def _promoted(args: tuple[Described, ...], default: torch.dtype) -> torch.dtype:
    """The dtype in common, where torch has this default: of arrays with dims, then those without, then numbers."""
    arrays = [each for each in args if isinstance(each, tuple)]
    ranks = [[dtype for dtype, has_dims in arrays if has_dims is wanted] for wanted in (True, False)]
    stand_ins: list[Any] = [
        torch.empty((1,) * (place == 0), dtype=functools.reduce(torch.promote_types, rank), device="meta")
        for place, rank in enumerate(ranks)
        if rank
    ]
    stand_ins += [each() for each in args if isinstance(each, type)]
    result = stand_ins[0]
    for each in stand_ins[1:]:
        dtype = torch.result_type(result, each)
        result = torch.empty(result.shape if isinstance(result, Tensor) else (), dtype=dtype, device="meta")
    return result.dtype if isinstance(result, Tensor) else torch.result_type(result, result)

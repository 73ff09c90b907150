"""Arguments of functions that give floats, by torch's rules of promotion."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax.numpy as jnp
import torch
from jax import Array

from virgil.engine.xla.arrays import DTYPES, dtype_of

__all__ = ["in_double", "of_floats"]


def of_floats(function: Callable[..., Array]) -> Callable[..., Array]:
    """The function of one or two arguments, arrays or numbers, made floats of one dtype and of one shape first."""

    def apply(*args: Any) -> Array:
        like = [_like(each) for each in args]
        dtype = torch.result_type(like[0], like[-1])
        if not (dtype.is_floating_point or dtype.is_complex):
            dtype = torch.get_default_dtype()
        return function(*jnp.broadcast_arrays(*(jnp.asarray(each, DTYPES[dtype]) for each in args)))

    return apply


def in_double(function: Callable[..., Array]) -> Callable[..., Array]:
    """The function taken in float64, its value in the dtype that came."""

    def apply(*args: Array) -> Array:
        return function(*(each.astype(jnp.float64) for each in args)).astype(args[0].dtype)

    return apply


def _like(arg: Any) -> Any:
    is_number = isinstance(arg, (bool, int, float))
    return arg if is_number else torch.empty((1,) * arg.ndim, dtype=dtype_of(arg), device="meta")

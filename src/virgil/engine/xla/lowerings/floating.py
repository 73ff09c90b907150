"""Functions that give floats."""

from __future__ import annotations

from collections.abc import Callable

import jax.numpy as jnp
from jax import Array

from virgil.engine.xla.promotion import Kind, promoted

__all__ = ["in_double", "of_floats"]


def of_floats(function: Callable[..., Array]) -> Callable[..., Array]:
    """The function of arrays or numbers, made floats of one dtype and of one shape first."""
    return promoted(lambda *args: function(*jnp.broadcast_arrays(*args)), Kind.FLOAT)


def in_double(function: Callable[..., Array]) -> Callable[..., Array]:
    """The function taken in float64, its value in the dtype that came."""

    def apply(*args: Array) -> Array:
        return function(*(each.astype(jnp.float64) for each in args)).astype(args[0].dtype)

    return apply

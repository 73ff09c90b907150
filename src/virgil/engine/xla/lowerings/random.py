"""Random operators, but for gamma variables. What a law is defined for but never gives, such as zero, is not drawn."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import jax
import jax.numpy as jnp
import torch
from jax import Array

from virgil.engine.operators.aten import aten
from virgil.engine.xla.arrays import DTYPES
from virgil.engine.xla.registry import draws

__all__ = ["exponential"]


def _dtype(dtype: torch.dtype | None) -> Any:
    return DTYPES[dtype or torch.get_default_dtype()]


def exponential(key: Any, shape: Sequence[int], dtype: Any) -> Array:
    """Standard exponential variables, never zero."""
    least = jnp.finfo(dtype).eps / 4  # half of the step between two uniform numbers
    return -jnp.log1p(-jnp.maximum(jax.random.uniform(key, tuple(shape), dtype), least))


# Normal


@draws(aten.randn.default, aten.randn.generator, by_shape=True)
def _randn(key: Any, size: Sequence[int], *, generator: None = None, dtype: torch.dtype | None = None) -> Array:
    return jax.random.normal(key, tuple(size), _dtype(dtype))


@draws(aten.randn_like.default, by_shape=True)
def _randn_like(key: Any, x: Array, *, dtype: torch.dtype | None = None) -> Array:
    return jax.random.normal(key, x.shape, x.dtype if dtype is None else DTYPES[dtype])


@draws(aten.normal_functional.default, by_shape=True)
def _normal_functional(key: Any, x: Array, mean: float = 0.0, std: float = 1.0, *, generator: None = None) -> Array:
    return mean + std * jax.random.normal(key, x.shape, x.dtype)


@draws(aten.normal.Tensor_Tensor, aten.normal.Tensor_float, aten.normal.float_Tensor)
def _normal(key: Any, mean: Any, std: Any = 1.0, *, generator: None = None) -> Array:
    dtype = mean.dtype if isinstance(mean, Array) else std.dtype
    shape = jnp.broadcast_shapes(jnp.shape(mean), jnp.shape(std))
    drawn: Array = mean + std * jax.random.normal(key, shape, dtype)
    return drawn.astype(dtype)


@draws(aten.normal.float_float, by_shape=True)
def _normal_of(
    key: Any, mean: float, std: float, size: Sequence[int], *, generator: None = None, dtype: torch.dtype | None = None
) -> Array:
    return mean + std * jax.random.normal(key, tuple(size), _dtype(dtype))


@draws(aten.log_normal.default, by_shape=True)
def _log_normal(key: Any, x: Array, mean: float = 1.0, std: float = 2.0, *, generator: None = None) -> Array:
    return jnp.exp(mean + std * jax.random.normal(key, x.shape, x.dtype))


# Uniform, and what is made of it


@draws(aten.rand.default, aten.rand.generator, by_shape=True)
def _rand(key: Any, size: Sequence[int], *, generator: None = None, dtype: torch.dtype | None = None) -> Array:
    return jax.random.uniform(key, tuple(size), _dtype(dtype))


@draws(aten.rand_like.default, by_shape=True)
def _rand_like(key: Any, x: Array, *, dtype: torch.dtype | None = None) -> Array:
    return jax.random.uniform(key, x.shape, x.dtype if dtype is None else DTYPES[dtype])


@draws(aten.uniform.default, by_shape=True)
def _uniform(key: Any, x: Array, low: float = 0.0, high: float = 1.0, *, generator: None = None) -> Array:
    return low + (high - low) * jax.random.uniform(key, x.shape, x.dtype)


@draws(aten.exponential.default, by_shape=True)
def _exponential(key: Any, x: Array, rate: float = 1.0, *, generator: None = None) -> Array:
    return exponential(key, x.shape, x.dtype) / rate


@draws(aten.cauchy.default, by_shape=True)
def _cauchy(key: Any, x: Array, median: float = 0.0, sigma: float = 1.0, *, generator: None = None) -> Array:
    return median + sigma * jax.random.cauchy(key, x.shape, x.dtype)


@draws(aten.geometric.default, by_shape=True)
def _geometric(key: Any, x: Array, p: float, *, generator: None = None) -> Array:
    """The number of trials up to the first success."""
    trials = jnp.ceil(exponential(key, x.shape, jnp.float64) / -math.log1p(-p))
    return jnp.maximum(trials, 1).astype(x.dtype)


# Integers


@draws(aten.randint.low, aten.randint.low_generator)
def _randint(
    key: Any, low: int, high: int, size: Sequence[int], *, generator: None = None, dtype: torch.dtype = torch.int64
) -> Array:
    below = jax.random.bits(key, tuple(size), jnp.uint64) % (high - low)  # uniform to within (high - low) / 2**64
    return (low + below.astype(jnp.int64)).astype(DTYPES[dtype])


@draws(aten.randint.default, aten.randint.generator)
def _randint_below(
    key: Any, high: int, size: Sequence[int], *, generator: None = None, dtype: torch.dtype = torch.int64
) -> Array:
    return _randint(key, 0, high, size, dtype=dtype)


@draws(aten.randint_like.low_dtype)
def _randint_like(key: Any, x: Array, low: int, high: int, *, dtype: torch.dtype | None = None) -> Array:
    return _randint(key, low, high, x.shape).astype(x.dtype if dtype is None else DTYPES[dtype])


@draws(aten.randint_like.default)
def _randint_like_below(key: Any, x: Array, high: int, *, dtype: torch.dtype | None = None) -> Array:
    return _randint_like(key, x, 0, high, dtype=dtype)


@draws(aten.randperm.default, aten.randperm.generator)
def _randperm(key: Any, n: int, *, generator: None = None, dtype: torch.dtype = torch.int64) -> Array:
    return jax.random.permutation(key, n).astype(DTYPES[dtype])

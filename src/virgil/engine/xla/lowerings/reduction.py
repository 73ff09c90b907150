"""Operators that reduce, or accumulate, along dims."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import jax
import jax.numpy as jnp
import torch

from virgil.engine.operators.aten import aten
from virgil.engine.xla.arrays import DTYPES
from virgil.engine.xla.registry import lowers

Dims = Sequence[int] | int | None


def _axes(dims: Dims) -> tuple[int, ...] | None:
    """All dims where none are named, as in torch."""
    if dims is None:
        return None
    return (dims,) if isinstance(dims, int) else tuple(dims) or None


def _wide(x: Any, dtype: torch.dtype | None) -> Any:
    """Sums and products of integers and truth values are 64 bits wide."""
    if dtype is not None:
        return x.astype(DTYPES[dtype])
    return x.astype(jnp.int64) if jnp.issubdtype(x.dtype, jnp.integer) or x.dtype == jnp.bool_ else x


@lowers(aten.sum.dim_IntList)
def _sum(x: Any, dim: Dims, keepdim: bool = False, dtype: torch.dtype | None = None) -> Any:
    x = _wide(x, dtype)
    return x if not x.ndim else jnp.sum(x, _axes(dim), dtype=x.dtype, keepdims=keepdim)


@lowers(aten.mean.dim)
def _mean(x: Any, dim: Dims, keepdim: bool = False, dtype: torch.dtype | None = None) -> Any:
    x = x if dtype is None else x.astype(DTYPES[dtype])
    return x if not x.ndim else jnp.mean(x, _axes(dim), keepdims=keepdim)


@lowers(aten.mean.default)
def _mean_all(x: Any, dtype: torch.dtype | None = None) -> Any:
    return _mean(x, None, False, dtype)


@lowers(aten.prod.default)
def _prod_all(x: Any, dtype: torch.dtype | None = None) -> Any:
    x = _wide(x, dtype)
    return jnp.prod(x, dtype=x.dtype)


@lowers(aten.prod.dim_int)
def _prod(x: Any, dim: int, keepdim: bool = False, dtype: torch.dtype | None = None) -> Any:
    x = _wide(x, dtype)
    return x if not x.ndim else jnp.prod(x, dim, dtype=x.dtype, keepdims=keepdim)


def _plain(fn: Callable[..., Any]) -> Callable[..., Any]:
    def apply(x: Any, dim: Dims = (), keepdim: bool = False) -> Any:
        return x if not x.ndim else fn(x, axis=_axes(dim), keepdims=keepdim)

    return apply


lowers(aten.amax.default)(_plain(jnp.max))
lowers(aten.amin.default)(_plain(jnp.min))
lowers(aten.max.default)(_plain(jnp.max))
lowers(aten.min.default)(_plain(jnp.min))


@lowers(aten.any.default, aten.any.dim, aten.any.dims)
def _any(x: Any, dim: Dims = None, keepdim: bool = False) -> Any:
    axes = (dim,) if isinstance(dim, int) else None if dim is None else tuple(dim)  # () reduces nothing, as in torch
    found = jnp.any(x, axes, keepdims=keepdim) if x.ndim else x.astype(jnp.bool_)
    return found.astype(x.dtype if x.dtype == jnp.uint8 else jnp.bool_)


def _best(value: Callable[..., Any], place: Callable[..., Any]) -> Callable[..., Any]:
    def apply(x: Any, dim: int, keepdim: bool = False) -> Any:
        if not x.ndim:
            return x, jnp.zeros((), jnp.int64)
        return value(x, dim, keepdims=keepdim), place(x, dim, keepdims=keepdim).astype(jnp.int64)

    return apply


lowers(aten.max.dim)(_best(jnp.max, jnp.argmax))
lowers(aten.min.dim)(_best(jnp.min, jnp.argmin))


def _place(fn: Callable[..., Any]) -> Callable[..., Any]:
    def apply(x: Any, dim: int | None = None, keepdim: bool = False) -> Any:
        if not x.ndim:
            return jnp.zeros((), jnp.int64)
        return fn(x, dim, keepdims=keepdim).astype(jnp.int64)

    return apply


lowers(aten.argmax.default)(_place(jnp.argmax))
lowers(aten.argmin.default)(_place(jnp.argmin))


def _accumulated(fn: Callable[..., Any], widens: bool) -> Callable[..., Any]:
    def apply(x: Any, dim: int, dtype: torch.dtype | None = None) -> Any:
        x = _wide(x, dtype) if widens else x
        return x if not x.ndim else fn(x, axis=dim % x.ndim).astype(x.dtype)

    return apply


lowers(aten.cumsum.default)(_accumulated(jnp.cumsum, widens=True))
lowers(aten.cumprod.default)(_accumulated(jnp.cumprod, widens=True))
lowers(aten.logcumsumexp.default)(_accumulated(jax.lax.cumlogsumexp, widens=False))


@lowers(aten._softmax.default)
def _softmax(x: Any, dim: int, half_to_float: bool) -> Any:
    return jax.nn.softmax(x, dim) if x.ndim else jnp.ones_like(x)


@lowers(aten._log_softmax.default)
def _log_softmax(x: Any, dim: int, half_to_float: bool) -> Any:
    return jax.nn.log_softmax(x, dim) if x.ndim else jnp.zeros_like(x)


@lowers(aten.var.correction)
def _var(x: Any, dim: Dims = None, *, correction: Any = None, keepdim: bool = False) -> Any:
    squares = jnp.var(x, _axes(dim) if x.ndim else None, keepdims=keepdim)
    count = x.size // squares.size if squares.size else 0
    freedom = max(count - (1 if correction is None else correction), 0)
    return squares * jnp.asarray(count, x.dtype) / jnp.asarray(freedom, x.dtype)


@lowers(aten.var_mean.correction)
def _var_mean(x: Any, dim: Dims = None, *, correction: Any = None, keepdim: bool = False) -> Any:
    return _var(x, dim, correction=correction, keepdim=keepdim), _mean(x, dim, keepdim)

"""Operators that make tensors out of numbers."""

from __future__ import annotations

from typing import Any

import jax.numpy as jnp
import torch

from virgil.engine.xla.arrays import DTYPES
from virgil.engine.xla.registry import lowers

aten = torch.ops.aten


def _dtype(dtype: torch.dtype | None, value: Any = 0.0) -> Any:
    if dtype is None:
        dtype = torch.bool if isinstance(value, bool) else torch.int64 if isinstance(value, int) else None
    return DTYPES[dtype or torch.get_default_dtype()]


@lowers(aten.full.default)
def _full(size: Any, value: Any, dtype: torch.dtype | None = None) -> Any:
    return jnp.full(size, value, _dtype(dtype, value))


@lowers(aten.full_like.default)
def _full_like(x: Any, value: Any, dtype: torch.dtype | None = None) -> Any:
    return jnp.full(x.shape, value, x.dtype if dtype is None else DTYPES[dtype])


@lowers(aten.new_full.default)
def _new_full(x: Any, size: Any, value: Any, dtype: torch.dtype | None = None) -> Any:
    return jnp.full(size, value, x.dtype if dtype is None else DTYPES[dtype])


@lowers(aten.empty.memory_format, aten.zeros.default)
def _zeros(size: Any, dtype: torch.dtype | None = None) -> Any:
    return jnp.zeros(size, _dtype(dtype))


@lowers(aten.empty_strided.default)
def _empty_strided(size: Any, stride: Any, dtype: torch.dtype | None = None) -> Any:
    return jnp.zeros(size, _dtype(dtype))


@lowers(aten.empty_permuted.default)
def _empty_permuted(size: Any, layout: Any, dtype: torch.dtype | None = None) -> Any:
    return jnp.zeros(size, _dtype(dtype))


@lowers(aten.ones.default)
def _ones(size: Any, dtype: torch.dtype | None = None) -> Any:
    return jnp.ones(size, _dtype(dtype))


@lowers(aten.empty_like.default, aten.zeros_like.default)
def _zeros_like(x: Any, dtype: torch.dtype | None = None) -> Any:
    return jnp.zeros(x.shape, x.dtype if dtype is None else DTYPES[dtype])


@lowers(aten.ones_like.default)
def _ones_like(x: Any, dtype: torch.dtype | None = None) -> Any:
    return jnp.ones(x.shape, x.dtype if dtype is None else DTYPES[dtype])


@lowers(aten.new_zeros.default, aten.new_empty.default)
def _new_zeros(x: Any, size: Any, dtype: torch.dtype | None = None) -> Any:
    return jnp.zeros(size, x.dtype if dtype is None else DTYPES[dtype])


@lowers(aten.scalar_tensor.default)
def _scalar_tensor(value: Any, dtype: torch.dtype | None = None) -> Any:
    return jnp.asarray(value, DTYPES[dtype or torch.get_default_dtype()])


@lowers(aten.arange.start_step)
def _arange(start: Any, end: Any, step: Any = 1, dtype: torch.dtype | None = None) -> Any:
    is_whole = all(isinstance(each, int) for each in (start, end, step))
    return jnp.arange(start, end, step, dtype=_dtype(dtype, 0 if is_whole else 0.0))


@lowers(aten.arange.default)
def _arange_to(end: Any, dtype: torch.dtype | None = None) -> Any:
    return _arange(0, end, 1, dtype)


@lowers(aten.arange.start)
def _arange_from(start: Any, end: Any, dtype: torch.dtype | None = None) -> Any:
    return _arange(start, end, 1, dtype)


@lowers(torch.ops.prims.iota.default)
def _iota(length: int, start: int, step: int, dtype: torch.dtype, requires_grad: bool = False) -> Any:
    return start + step * jnp.arange(length, dtype=DTYPES[dtype])


@lowers(aten.eye.default)
def _eye(n: int, dtype: torch.dtype | None = None) -> Any:
    return jnp.eye(n, dtype=_dtype(dtype))


@lowers(aten.eye.m)
def _eye_of(n: int, m: int, dtype: torch.dtype | None = None) -> Any:
    return jnp.eye(n, m, dtype=_dtype(dtype))


@lowers(aten.linspace.default)
def _linspace(start: Any, end: Any, steps: int, dtype: torch.dtype | None = None) -> Any:
    return jnp.linspace(start, end, steps, dtype=_dtype(dtype))

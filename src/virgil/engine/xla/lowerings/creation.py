"""Operators that make tensors out of numbers."""

from __future__ import annotations

from typing import Any

import jax.numpy as jnp
import torch

from virgil.engine.operators.aten import aten, prims
from virgil.engine.xla.arrays import DTYPES
from virgil.engine.xla.registry import lowers


def _dtype(dtype: torch.dtype | None, value: Any = 0.0) -> Any:
    if dtype is None:
        dtype = torch.bool if isinstance(value, bool) else torch.int64 if isinstance(value, int) else None
    return DTYPES[dtype or torch.get_default_dtype()]


def _filled(shape: Any, value: Any, dtype: Any) -> Any:
    return jnp.full(shape, jnp.asarray(value).astype(dtype))


@lowers(aten.full.default)
def _full(size: Any, value: Any, dtype: torch.dtype | None = None) -> Any:
    return _filled(size, value, _dtype(dtype, value))


@lowers(aten.full_like.default)
def _full_like(x: Any, value: Any, dtype: torch.dtype | None = None) -> Any:
    return _filled(x.shape, value, x.dtype if dtype is None else DTYPES[dtype])


@lowers(aten.empty.memory_format, aten._efficientzerotensor.default)
def _empty(size: Any, dtype: torch.dtype | None = None) -> Any:
    return jnp.zeros(size, _dtype(dtype))


@lowers(aten.empty_strided.default)
def _empty_strided(size: Any, stride: Any, dtype: torch.dtype | None = None) -> Any:
    return jnp.zeros(size, _dtype(dtype))


@lowers(aten.empty_permuted.default)
def _empty_permuted(size: Any, layout: Any, dtype: torch.dtype | None = None) -> Any:
    return jnp.zeros(size, _dtype(dtype))


@lowers(aten.scalar_tensor.default, prims.scalar_tensor.default)
def _scalar_tensor(value: Any, dtype: torch.dtype | None = None) -> Any:
    return _filled((), value, _dtype(dtype))


@lowers(aten.arange.start_step)
def _arange(start: Any, end: Any, step: Any = 1, dtype: torch.dtype | None = None) -> Any:
    is_whole = all(isinstance(each, int) for each in (start, end, step))
    return jnp.arange(start, end, step, dtype=_dtype(dtype, 0 if is_whole else 0.0))


@lowers(prims.iota.default)
def _iota(length: int, start: int, step: int, dtype: torch.dtype, requires_grad: bool = False) -> Any:
    return start + step * jnp.arange(length, dtype=DTYPES[dtype])

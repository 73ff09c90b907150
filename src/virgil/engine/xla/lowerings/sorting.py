"""Operators that order elements."""

from __future__ import annotations

from typing import Any

import jax.numpy as jnp
import torch

from virgil.engine.xla.registry import lowers

aten = torch.ops.aten


def _sorted(x: Any, dim: int, descending: bool) -> tuple[Any, Any]:
    if not x.ndim:
        return x, jnp.zeros((), jnp.int64)
    order = jnp.argsort(x, dim, stable=True, descending=descending)
    return jnp.take_along_axis(x, order, dim), order.astype(jnp.int64)


@lowers(aten.sort.default)
def _sort(x: Any, dim: int = -1, descending: bool = False) -> tuple[Any, Any]:
    return _sorted(x, dim, descending)


@lowers(aten.sort.stable)
def _sort_stable(x: Any, stable: bool | None = None, dim: int = -1, descending: bool = False) -> tuple[Any, Any]:
    return _sorted(x, dim, descending)


@lowers(aten.topk.default)
def _topk(x: Any, k: int, dim: int = -1, largest: bool = True, sorted: bool = True) -> tuple[Any, Any]:
    values, order = _sorted(x, dim, largest)
    if not x.ndim:
        return values, order
    first = (*([slice(None)] * (dim % x.ndim)), slice(k))
    return values[first], order[first]

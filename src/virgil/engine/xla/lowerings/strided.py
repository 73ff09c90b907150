"""Tensors by strides, as derivatives of changes in place leave them.

The graph has been prepared so that what is read lies in memory in the order of its axes.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import jax.numpy as jnp
import numpy as np
from jax import Array

from virgil.engine.operators.aten import aten
from virgil.engine.xla.arrays import DTYPES, dtype_of
from virgil.engine.xla.registry import lowers
from virgil.errors import OperatorError

__all__: list[str] = []


def _places(x: Array, size: Sequence[int], stride: Sequence[int], offset: int | None) -> np.ndarray:
    grids = np.ix_(*(np.arange(count) * step for count, step in zip(size, stride, strict=True)))
    places = np.asarray(sum(grids, np.zeros((1,) * len(size), np.int64)) + (offset or 0))
    if places.size and not 0 <= places.min() <= places.max() < x.size:
        raise OperatorError(
            f"torch.as_strided reaches outside a tensor of {x.size} elements: size {tuple(size)}, strides "
            f"{tuple(stride)}, offset {offset}. Index the whole tensor instead, or use engine='eager'."
        )
    return places


@lowers(aten.as_strided.default)
def _as_strided(x: Array, size: Sequence[int], stride: Sequence[int], offset: int | None = None) -> Array:
    return x.reshape(-1)[_places(x, size, stride, offset)]


@lowers(aten.as_strided_scatter.default)
def _as_strided_scatter(
    x: Array, source: Array, size: Sequence[int], stride: Sequence[int], offset: int | None = None
) -> Array:
    return x.reshape(-1).at[_places(x, size, stride, offset)].set(source).reshape(x.shape)


@lowers(aten.new_empty_strided.default)
def _new_empty_strided(x: Array, size: Sequence[int], stride: Sequence[int], *, dtype: Any = None) -> Array:
    return jnp.zeros(size, DTYPES[dtype or dtype_of(x)])

"""Operators that take elements by index."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import jax.numpy as jnp
import torch

from virgil.engine.xla.lowerings.shape import piece
from virgil.engine.xla.registry import lowers

aten = torch.ops.aten


def _as_index(indices: Sequence[Any]) -> tuple[Any, ...]:
    return tuple(slice(None) if each is None else each for each in indices)


@lowers(aten.index.Tensor, aten._unsafe_index.Tensor)
def _index(x: Any, indices: Sequence[Any]) -> Any:
    return x[_as_index(indices)]


@lowers(aten.index_select.default)
def _index_select(x: Any, dim: int, index: Any) -> Any:
    return jnp.take(x, index, axis=dim) if x.ndim else x


@lowers(aten.gather.default)
def _gather(x: Any, dim: int, index: Any, sparse_grad: bool = False) -> Any:
    if not x.ndim:
        return jnp.broadcast_to(x, index.shape)
    return x[_places(index, dim)] if index.ndim else x.reshape(-1)[index]


def _places(index: Any, dim: int) -> tuple[Any, ...]:
    """The full index of each element of ``index``, which counts along one dim."""
    places = list(jnp.meshgrid(*(jnp.arange(size) for size in index.shape), indexing="ij"))
    places[dim % index.ndim] = index
    return tuple(places)


@lowers(aten.index_put.default, aten._unsafe_index_put.default)
def _index_put(x: Any, indices: Sequence[Any], values: Any, accumulate: bool = False) -> Any:
    index = _as_index(indices)
    masks = [each for each in index if not isinstance(each, slice) and each.dtype == jnp.bool_]
    if masks and len(index) == 1 and not values.ndim and not accumulate:
        mask = masks[0].reshape(masks[0].shape + (1,) * (x.ndim - masks[0].ndim))
        return jnp.where(mask, values.astype(x.dtype), x)
    return x.at[index].add(values.astype(x.dtype)) if accumulate else x.at[index].set(values.astype(x.dtype))


@lowers(aten.scatter.src, aten.scatter.value)
def _scatter(x: Any, dim: int, index: Any, source: Any) -> Any:
    return _scattered(x, dim, index, source, "set")


@lowers(aten.scatter_add.default)
def _scatter_add(x: Any, dim: int, index: Any, source: Any) -> Any:
    return _scattered(x, dim, index, source, "add")


def _scattered(x: Any, dim: int, index: Any, source: Any, how: str) -> Any:
    whole, index = (x.reshape(1), index.reshape(-1)) if not x.ndim else (x, index)
    source = jnp.asarray(source, x.dtype)
    if source.ndim:  # only as much of it as there are indices
        source = source[tuple(slice(size) for size in index.shape)]
    at = whole.at[_places(index, dim)]
    return (at.add(source) if how == "add" else at.set(source)).reshape(x.shape)


@lowers(aten.index_add.default)
def _index_add(x: Any, dim: int, index: Any, source: Any, alpha: Any = 1) -> Any:
    moved = jnp.moveaxis(x, dim, 0).at[index].add(jnp.moveaxis(source, dim, 0) * jnp.asarray(alpha, x.dtype))
    return jnp.moveaxis(moved, 0, dim)


@lowers(aten.masked_fill.Scalar, aten.masked_fill.Tensor)
def _masked_fill(x: Any, mask: Any, value: Any) -> Any:
    return jnp.where(mask, jnp.asarray(value, x.dtype), x)


@lowers(aten.embedding.default)
def _embedding(weight: Any, index: Any, padding_idx: int = -1, scale_grad: bool = False, sparse: bool = False) -> Any:
    return weight[index]


@lowers(aten.embedding_dense_backward.default)
def _embedding_backward(gradient: Any, index: Any, count: int, padding_idx: int, scale_by_frequency: bool) -> Any:
    rows = gradient.reshape(-1, gradient.shape[-1])
    places = index.reshape(-1)
    if scale_by_frequency:
        rows = rows / jnp.zeros(count, rows.dtype).at[places].add(1)[places][:, None]
    rows = jnp.where((places == padding_idx)[:, None], 0, rows)
    return jnp.zeros((count, rows.shape[-1]), rows.dtype).at[places].add(rows)


@lowers(aten.slice_scatter.default)
def _slice_scatter(
    x: Any, source: Any, dim: int = 0, start: int | None = None, end: int | None = None, step: int = 1
) -> Any:
    return x.at[piece(x, dim, start, end, step)].set(source.astype(x.dtype))


@lowers(aten.select_scatter.default)
def _select_scatter(x: Any, source: Any, dim: int, index: int) -> Any:
    return x.at[(*([slice(None)] * (dim % x.ndim)), index)].set(source.astype(x.dtype))


@lowers(aten.select_backward.default)
def _select_backward(gradient: Any, size: Sequence[int], dim: int, index: int) -> Any:
    return _select_scatter(jnp.zeros(tuple(size), gradient.dtype), gradient, dim, index)


@lowers(aten.slice_backward.default)
def _slice_backward(gradient: Any, size: Sequence[int], dim: int, start: int, end: int, step: int) -> Any:
    return _slice_scatter(jnp.zeros(tuple(size), gradient.dtype), gradient, dim, start, end, step)


@lowers(aten.diagonal_scatter.default)
def _diagonal_scatter(x: Any, source: Any, offset: int = 0, dim1: int = 0, dim2: int = 1) -> Any:
    moved = jnp.moveaxis(x, (dim1, dim2), (-2, -1))
    rows = jnp.arange(source.shape[-1]) + max(-offset, 0)
    moved = moved.at[..., rows, rows + offset].set(source.astype(x.dtype))
    return jnp.moveaxis(moved, (-2, -1), (dim1, dim2))


@lowers(aten.diagonal_backward.default)
def _diagonal_backward(gradient: Any, size: Sequence[int], offset: int, dim1: int, dim2: int) -> Any:
    return _diagonal_scatter(jnp.zeros(tuple(size), gradient.dtype), gradient, offset, dim1, dim2)

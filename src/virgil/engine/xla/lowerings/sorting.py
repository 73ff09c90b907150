"""Orders along an axis and places in them. NaN counts as the greatest, as torch has it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
from jax import Array, lax

from virgil.engine.operators.aten import aten
from virgil.engine.xla.registry import lowers

__all__: list[str] = []


def _ordered(x: Array, dim: int, descending: bool = False) -> tuple[Array, Array]:
    """Values in order and where they come from; equal ones stay in theirs."""
    if not x.ndim:
        return x, jnp.zeros((), jnp.int64)
    dim %= x.ndim
    indices = lax.broadcasted_iota(jnp.int64, x.shape, dim)
    if not descending:
        values, indices = lax.sort((x, indices), dimension=dim, num_keys=1)
        return values, indices
    pair = lax.sort((lax.rev(x, [dim]), lax.rev(indices, [dim])), dimension=dim, num_keys=1)
    return lax.rev(pair[0], [dim]), lax.rev(pair[1], [dim])


@lowers(aten.sort.default)
def _sort(x: Array, dim: int = -1, descending: bool = False) -> tuple[Array, Array]:
    return _ordered(x, dim, descending)


@lowers(aten.sort.stable)
def _sort_stable(
    x: Array, *, stable: bool | None = None, dim: int = -1, descending: bool = False
) -> tuple[Array, Array]:
    return _ordered(x, dim, descending)


@lowers(aten.topk.default)
def _topk(x: Array, k: int, dim: int = -1, largest: bool = True, sorted: bool = True) -> tuple[Array, ...]:
    pair = _ordered(x, dim, descending=largest)
    return tuple(lax.slice_in_dim(each, 0, k, axis=dim) for each in pair) if x.ndim else pair


def _at(pair: tuple[Array, Array], rank: Any, dim: int, keepdim: bool) -> tuple[Array, ...]:
    """Of values in order and their indices, those at a rank (an array has one for each slice, with ``dim`` kept)."""
    if not pair[0].ndim:
        return pair
    shape = [1 if axis == dim % pair[0].ndim else size for axis, size in enumerate(pair[0].shape)]
    ranks = jnp.broadcast_to(rank, shape)
    taken = (jnp.take_along_axis(each, ranks, dim) for each in pair)
    return tuple(each if keepdim else each.squeeze(dim) for each in taken)


@lowers(aten.kthvalue.default)
def _kthvalue(x: Array, k: int, dim: int = -1, keepdim: bool = False) -> tuple[Array, ...]:
    return _at(_ordered(x, dim), k - 1, dim, keepdim)


def _is_nan(x: Array) -> Array:
    return jnp.isnan(x) if jnp.issubdtype(x.dtype, jnp.inexact) else jnp.zeros(x.shape, bool)


@lowers(aten.nanmedian.dim)
def _nanmedian_along(x: Array, dim: int = -1, keepdim: bool = False) -> tuple[Array, ...]:
    """The lower of the two in the middle; NaN where nothing else is there."""
    count = (~_is_nan(x)).sum(dim if x.ndim else None, keepdims=True)
    return _at(_ordered(x, dim), jnp.maximum(count - 1, 0) // 2, dim, keepdim)


@lowers(aten.median.dim)
def _median_along(x: Array, dim: int = -1, keepdim: bool = False) -> tuple[Array, ...]:
    """The lower of the two in the middle; the first NaN where there is one."""
    if not x.ndim:
        return x, jnp.zeros((), jnp.int64)
    size = x.shape[dim]
    count = (~_is_nan(x)).sum(dim, keepdims=True)  # also the rank of the first NaN
    return _at(_ordered(x, dim), jnp.where(count < size, count, (size - 1) // 2), dim, keepdim)


def _of_all(along: Callable[..., tuple[Array, ...]]) -> Callable[[Array], Array]:
    """The value alone, over all elements; of none NaN, or the least integer."""

    def apply(x: Array) -> Array:
        if not x.size:
            least = jnp.nan if jnp.issubdtype(x.dtype, jnp.inexact) else jnp.iinfo(x.dtype).min
            return jnp.asarray(least, x.dtype)
        return along(x.reshape(-1), 0)[0]

    return apply


lowers(aten.median.default)(_of_all(_median_along))
lowers(aten.nanmedian.default)(_of_all(_nanmedian_along))


@lowers(aten.mode.default)
def _mode(x: Array, dim: int = -1, keepdim: bool = False) -> tuple[Array, ...]:
    """The least of the most frequent values, and the last place that has it."""
    if not x.ndim:
        return x, jnp.zeros((), jnp.int64)
    pair = _ordered(x, dim)
    dim %= x.ndim
    places = lax.broadcasted_iota(jnp.int64, x.shape, dim)
    before = jnp.roll(pair[0], 1, dim)
    starts = lax.cummax(jnp.where((pair[0] != before) | (places == 0), places, 0), dim)  # of each one's run of equals
    return _at(pair, jnp.argmax(places - starts, dim, keepdims=True), dim, keepdim)


def _running(is_better: Callable[[Array, Array], Array]) -> Callable[[Array, int], tuple[Array, ...]]:
    """The best so far along an axis and where it stood, the later of equals; NaN is better than all."""

    def later(a: Any, b: Any) -> Any:
        takes = _is_nan(b[0]) | (~_is_nan(a[0]) & is_better(b[0], a[0]))
        return tuple(jnp.where(takes, second, first) for first, second in zip(a, b, strict=True))

    def apply(x: Array, dim: int) -> tuple[Array, ...]:
        if not x.size or not x.ndim:
            return x, jnp.zeros(x.shape, jnp.int64)
        pair = x, lax.broadcasted_iota(jnp.int64, x.shape, dim % x.ndim)
        result: tuple[Array, ...] = lax.associative_scan(later, pair, axis=dim % x.ndim)
        return result

    return apply


lowers(aten.cummax.default)(_running(jnp.greater_equal))
lowers(aten.cummin.default)(_running(jnp.less_equal))


@lowers(aten.searchsorted.Tensor, aten.searchsorted.Scalar)
def _searchsorted(
    boundaries: Array,
    values: Any,
    *,
    out_int32: bool = False,
    right: bool = False,
    side: str | None = None,
    sorter: Array | None = None,
) -> Array:
    """The boundaries are a vector, or have a vector for each row of the values."""
    if sorter is not None:
        boundaries = jnp.take_along_axis(boundaries, sorter, -1)

    def search(ordered: Array, wanted: Array) -> Array:
        return jnp.searchsorted(ordered, wanted, side="right" if right or side == "right" else "left")

    values = jnp.asarray(values)
    for _ in range(boundaries.ndim - 1):
        search = jax.vmap(search)
    return search(boundaries, values).astype(jnp.int32 if out_int32 else jnp.int64)


@lowers(aten.bucketize.Tensor, aten.bucketize.Scalar)
def _bucketize(values: Any, boundaries: Array, *, out_int32: bool = False, right: bool = False) -> Any:
    return _searchsorted(boundaries, values, out_int32=out_int32, right=right)

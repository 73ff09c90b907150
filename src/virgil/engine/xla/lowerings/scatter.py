"""Elements written by index. Where an index is outside, all of a result of floats is NaN, which stops a run."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import jax.numpy as jnp
from jax import Array, lax

from virgil.engine.operators.aten import aten
from virgil.engine.xla.lowerings.indexing import along, places
from virgil.engine.xla.registry import lowers
from virgil.errors import OperatorError

__all__: list[str] = []


_METHODS = {"sum": "add", "mean": "add", "prod": "multiply", "amax": "max", "amin": "min"}
_OF_BOOL = {"sum": "amax", "prod": "amin"}
_DENSE = 4096  # comparisons, up to which all places are compared with all indices: a scatter is a loop on the CPU
_ALIASES = {"add": "sum", "multiply": "prod"}  # as ``scatter`` calls them


def _identity(reduce: str, dtype: Any) -> Any:
    if reduce in ("amax", "amin"):
        if jnp.issubdtype(dtype, jnp.floating):
            return -jnp.inf if reduce == "amax" else jnp.inf
        least, most = (False, True) if dtype == jnp.bool_ else (jnp.iinfo(dtype).min, jnp.iinfo(dtype).max)
        return least if reduce == "amax" else most
    return 1 if reduce == "prod" else 0


def _stopping(result: Array, where: Sequence[Any], shape: Sequence[int]) -> Array:
    """The result, made NaN if an index is outside ``shape``."""
    if not jnp.issubdtype(result.dtype, jnp.inexact):
        return result
    inside = [
        ((each >= -size) & (each < size)).all()
        for each, size in zip(where, shape, strict=False)
        if isinstance(each, Array)
    ]
    return jnp.where(jnp.stack(inside).all(), result, jnp.nan) if inside else result


def _hits(x: Array, where: tuple[Any, ...]) -> Array | None:
    """A mask of the indices that name each place of the leading axes: ``(indices, places)``; ``None`` if many."""
    if not all(isinstance(each, Array) for each in where):
        return None
    indices = jnp.broadcast_arrays(*where)
    leading, rest = x.shape[: len(where)], x.shape[len(where) :]
    size, number = math.prod(leading), indices[0].size
    if not number or size * number * math.prod(rest) > _DENSE:
        return None
    place, inside = jnp.zeros(number, jnp.int64), jnp.ones(number, bool)
    for index, length in zip(indices, leading, strict=True):
        index = index.reshape(-1)
        inside &= (index >= -length) & (index < length)
        place = place * length + jnp.where(index < 0, index + length, index)
    return (place[:, None] == jnp.arange(size)) & inside[:, None]


def _rows(x: Array, where: tuple[Any, ...], source: Array) -> Array:
    """The source of each index: ``(indices, elements of a place)``."""
    shape = jnp.broadcast_shapes(*(each.shape for each in where))
    return jnp.broadcast_to(source, (*shape, *x.shape[len(where) :])).reshape(math.prod(shape), -1)


def _added(x: Array, where: tuple[Any, ...], source: Array) -> Array:
    """``x`` with the sources added at their places."""
    hits = _hits(x, where)
    if hits is None:
        return x.at[where].add(source)
    added = jnp.where(hits[:, :, None], _rows(x, where, source)[:, None], 0).sum(0).astype(x.dtype)
    return x + added.reshape(x.shape)


def _set(x: Array, where: tuple[Any, ...], source: Array) -> Array:
    """``x`` with the sources at their places; of several at one place, any."""
    hits = _hits(x, where)
    if hits is None:
        return x.at[where].set(source)
    last = jnp.where(hits, jnp.arange(len(hits))[:, None], -1).max(0)
    put = _rows(x, where, source)[jnp.maximum(last, 0)].reshape(x.shape)
    return jnp.where((last >= 0).reshape(*x.shape[: len(where)], *[1] * (x.ndim - len(where))), put, x)


def _reduced(x: Array, where: tuple[Any, ...], source: Any, reduce: str, include_self: bool = True) -> Array:
    """``x`` with the sources of each place combined; ``include_self`` counts what stood there as one of them."""
    if x.dtype == jnp.bool_:
        return _reduced(x.astype(jnp.int32), where, source, _OF_BOOL.get(reduce, reduce), include_self) > 0
    base = x if include_self else x.at[where].set(_identity(reduce, x.dtype))
    result = _added(base, where, source) if reduce == "sum" else getattr(base.at[where], _METHODS[reduce])(source)
    if reduce == "mean":
        counts = jnp.full(x.shape, int(include_self), x.dtype).at[where].add(jnp.ones_like(source, x.dtype))
        counts = jnp.maximum(counts, 1)
        result = result / counts if jnp.issubdtype(x.dtype, jnp.inexact) else result // counts
    return _stopping(result, where, x.shape)


def _scattered(x: Array, dim: int, index: Array, source: Any, reduce: str | None, include_self: bool = True) -> Array:
    if not index.size:
        return x
    wide, index = jnp.atleast_1d(x, index)
    where = along(wide, dim, index)
    if isinstance(source, Array):
        source = jnp.atleast_1d(source)[tuple(slice(size) for size in index.shape)]
    source = jnp.broadcast_to(jnp.asarray(source, x.dtype), index.shape)
    if reduce is None:
        result = _stopping(_set(wide, where, source), where, wide.shape)
    else:
        result = _reduced(wide, where, source, _ALIASES.get(reduce, reduce), include_self)
    return result.reshape(x.shape)


@lowers(aten.scatter.src, aten.scatter.value, aten.scatter.reduce, aten.scatter.value_reduce)
def _scatter(x: Array, dim: int, index: Array, source: Any, *, reduce: str | None = None) -> Array:
    return _scattered(x, dim, index, source, reduce)


@lowers(aten.scatter_add.default)
def _scatter_add(x: Array, dim: int, index: Array, source: Array) -> Array:
    return _scattered(x, dim, index, source, "sum")


@lowers(aten.scatter_reduce.two)
def _scatter_reduce(
    x: Array, dim: int, index: Array, source: Array, reduce: str, *, include_self: bool = True
) -> Array:
    return _scattered(x, dim, index, source, reduce, include_self)


@lowers(aten.index_reduce.default)
def _index_reduce(x: Array, dim: int, index: Array, source: Array, reduce: str, *, include_self: bool = True) -> Array:
    wide = jnp.atleast_1d(x)
    dim %= wide.ndim
    index = index.reshape(*[1] * dim, -1, *[1] * (wide.ndim - dim - 1))
    index = jnp.broadcast_to(index, [index.size if axis == dim else size for axis, size in enumerate(wide.shape)])
    return _scattered(wide, dim, index, source.reshape(index.shape), reduce, include_self).reshape(x.shape)


@lowers(aten.index_put.default)
def _index_put(x: Array, indices: Sequence[Array | None], values: Array, accumulate: bool = False) -> Array:
    if any(each is not None and each.dtype == jnp.bool_ for each in indices):
        return _masked_put(x, indices, values, accumulate)
    where = places(indices)
    values = values.astype(x.dtype)
    if not accumulate:
        return _stopping(_set(x, where, values), where, x.shape)
    return _reduced(x, where, values, "sum")


def _masked_put(x: Array, indices: Sequence[Array | None], values: Array, accumulate: bool) -> Array:
    """One mask among whole axes: each chosen element takes the next of the values, or all take the same."""
    given = [place for place, each in enumerate(indices) if each is not None]
    axis, mask = given[0], indices[given[0]]
    if mask is None or len(given) > 1:
        raise OperatorError(
            "A tensor is written at a mask together with other indices, which a compiled step cannot do: use "
            "torch.where, or engine='eager'."
        )
    rest = x.ndim - axis - mask.ndim  # axes behind the mask's
    if values.ndim > rest and values.shape[-rest - 1] > 1:
        count = values.shape[-rest - 1]
        found = jnp.nonzero(mask, size=count, fill_value=max(mask.shape))
        where = (*[slice(None)] * axis, *found)
        result = x.at[where].add(values) if accumulate else x.at[where].set(values)
        return jnp.where(mask.sum() == count, result, jnp.nan) if jnp.issubdtype(x.dtype, jnp.inexact) else result
    if values.ndim > rest:  # an axis of one for all that is chosen
        values = values.reshape(*values.shape[: -rest - 1], *[1] * mask.ndim, *values.shape[values.ndim - rest :])
    return jnp.where(mask.reshape(*mask.shape, *[1] * rest), x + values if accumulate else values, x)


@lowers(aten.put.default)
def _put(x: Array, index: Array, source: Array, accumulate: bool = False) -> Array:
    flat: Array = _index_put(x.reshape(-1), [index.reshape(-1)], source.reshape(-1), accumulate)
    return flat.reshape(x.shape)


@lowers(aten.masked_scatter.default)
def _masked_scatter(x: Array, mask: Array, source: Array) -> Array:
    x, mask = jnp.broadcast_arrays(x, mask)
    order = jnp.cumsum(mask.reshape(-1)).reshape(mask.shape) - 1
    return jnp.where(mask, source.reshape(-1).at[order].get(mode="fill"), x) if source.size else x


@lowers(aten.masked_scatter_backward.default)
def _masked_scatter_backward(gradient: Array, mask: Array, sizes: Sequence[int]) -> Array:
    """The chosen elements in order, then zeros."""
    gradient, mask = (each.reshape(-1) for each in jnp.broadcast_arrays(gradient, mask))
    result = jnp.zeros(sizes, gradient.dtype).reshape(-1)
    order = jnp.where(mask, jnp.cumsum(mask) - 1, result.size)
    return result.at[order].set(gradient, mode="drop").reshape(sizes)


@lowers(aten.slice_scatter.default)
def _slice_scatter(
    x: Array, source: Array, dim: int = 0, start: int | None = None, end: int | None = None, step: int = 1
) -> Array:
    dim %= x.ndim
    first, last, _ = slice(start, end, step).indices(x.shape[dim])
    if step == 1:
        return lax.dynamic_update_slice_in_dim(x, source.astype(x.dtype), first, dim)
    return x.at[(slice(None),) * dim + (slice(first, max(first, last), step),)].set(source.astype(x.dtype))


@lowers(aten.diagonal_scatter.default)
def _diagonal_scatter(x: Array, source: Array, offset: int = 0, dim1: int = 0, dim2: int = 1) -> Array:
    steps = jnp.arange(source.shape[-1])
    last = jnp.moveaxis(x, (dim1, dim2), (-2, -1))
    put = last.at[..., steps + max(-offset, 0), steps + max(offset, 0)].set(source.astype(x.dtype))
    return jnp.moveaxis(put, (-2, -1), (dim1, dim2))

"""Other shapes and orders of the same elements: views, joins, cuts, padding."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import torch
from jax import Array, lax

from virgil.engine.operators.aten import aten
from virgil.engine.xla.arrays import DTYPES
from virgil.engine.xla.registry import lowers

__all__: list[str] = []


@lowers(aten.view.default, aten.view_copy.default)
def _view(x: Array, size: Sequence[int]) -> Array:
    return x.reshape(size)


@lowers(aten.view.dtype)
def _view_as_dtype(x: Array, dtype: torch.dtype) -> Array:
    return x.view(DTYPES[dtype])


@lowers(aten.permute.default, aten.permute_copy.default)
def _permute(x: Array, dims: Sequence[int]) -> Array:
    return x.transpose([dim % x.ndim for dim in dims])


@lowers(aten.expand.default)
def _expand(x: Array, size: Sequence[int], *, implicit: bool = False) -> Array:
    own = (1,) * (len(size) - x.ndim) + x.shape
    return jnp.broadcast_to(x, [have if want == -1 else want for have, want in zip(own, size, strict=True)])


@lowers(aten.unsqueeze.default)
def _unsqueeze(x: Array, dim: int) -> Array:
    return jnp.expand_dims(x, dim)


@lowers(aten.squeeze.dims)
def _squeeze(x: Array, dims: Sequence[int]) -> Array:
    return x.squeeze(tuple(dim % x.ndim for dim in dims if x.ndim and x.shape[dim] == 1))


@lowers(aten.cat.default)
def _cat(tensors: Sequence[Array], dim: int = 0) -> Array:
    """An empty vector may stand among tensors of any shape; it counts for the dtype alone."""
    dtype = jnp.result_type(*tensors)
    kept = [each for each in tensors if each.shape != (0,)] or tensors
    return jnp.concatenate([each.astype(dtype) for each in kept], dim)


@lowers(aten.split_with_sizes.default)
def _split(x: Array, sizes: Sequence[int], dim: int = 0) -> list[Array]:
    return jnp.split(x, np.cumsum(sizes)[:-1], dim)


@lowers(aten.unbind_copy.int)
def _unbind(x: Array, dim: int = 0) -> list[Array]:
    return [_select(x, dim, index) for index in range(x.shape[dim])]


@lowers(aten.select.int, aten.select_copy.int)
def _select(x: Array, dim: int, index: int) -> Array:
    return lax.index_in_dim(x, index, dim, keepdims=False)


@lowers(aten.slice.Tensor, aten.slice_copy.Tensor)
def _slice(x: Array, dim: int = 0, start: int | None = None, end: int | None = None, step: int = 1) -> Array:
    first, last, _ = slice(start, end, step).indices(x.shape[dim])
    return lax.slice_in_dim(x, first, max(first, last), step, dim)


@lowers(aten.narrow_copy.default)
def _narrow(x: Array, dim: int, start: int, length: int) -> Array:
    first = start + x.shape[dim] if start < 0 else start
    return lax.slice_in_dim(x, first, first + length, axis=dim)


@lowers(aten.flip.default)
def _flip(x: Array, dims: Sequence[int]) -> Array:
    return lax.rev(x, [dim % x.ndim for dim in dims if x.ndim])


@lowers(aten.repeat.default)
def _repeat(x: Array, repeats: Sequence[int]) -> Array:
    return jnp.tile(x, repeats)


@lowers(aten.diagonal.default)
def _diagonal(x: Array, offset: int = 0, dim1: int = 0, dim2: int = 1) -> Any:
    return jnp.diagonal(x, offset, dim1, dim2)


@lowers(aten.unfold.default)
def _unfold(x: Array, dim: int, size: int, step: int) -> Array:
    """Windows along ``dim``; what lies within one comes last."""
    if not x.ndim:
        return x.reshape(1)[:size]
    starts = np.arange(0, x.shape[dim] - size + 1, step)
    windows = jnp.take(x, starts[:, None] + np.arange(size), dim % x.ndim)
    return jnp.moveaxis(windows, dim % x.ndim + 1, -1)


@lowers(aten.constant_pad_nd.default)
def _constant_pad(x: Array, padding: Sequence[int], value: float = 0) -> Array:
    """The pairs begin with the last axis; a negative one cuts."""
    pairs = list(zip(padding[::2], padding[1::2], strict=True))[::-1]
    inner = [(0, 0, 0)] * (x.ndim - len(pairs))
    return lax.pad(x, jnp.asarray(value, x.dtype), inner + [(low, high, 0) for low, high in pairs])


def _replicated(x: Array, padding: Sequence[int]) -> Array:
    for axis, (low, high) in enumerate(zip(padding[::2], padding[1::2], strict=True), start=1):
        size = x.shape[-axis]
        x = jnp.take(x, np.arange(-low, size + high).clip(0, size - 1), -axis)
    return x


@lowers(
    aten.replication_pad1d_backward.default,
    aten.replication_pad2d_backward.default,
    aten.replication_pad3d_backward.default,
)
def _replicated_backward(gradient: Array, x: Array, padding: Sequence[int]) -> Any:
    (result,) = jax.linear_transpose(partial(_replicated, padding=padding), x)(gradient)
    return result


@lowers(aten.view_as_real.default)
def _view_as_real(x: Array) -> Array:
    return jnp.stack([x.real, x.imag], -1)


@lowers(aten.view_as_complex.default)
def _view_as_complex(x: Array) -> Array:
    return lax.complex(x[..., 0], x[..., 1])


def _triangle(indices: Callable[..., Any]) -> Callable[..., Array]:
    def apply(row: int, col: int, offset: int = 0, *, dtype: Any = None) -> Array:
        return jnp.asarray(np.stack(indices(row, offset, col)), DTYPES[dtype or torch.int64])

    return apply


lowers(aten.tril_indices.default)(_triangle(np.tril_indices))
lowers(aten.triu_indices.default)(_triangle(np.triu_indices))

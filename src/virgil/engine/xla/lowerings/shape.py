"""Operators that arrange elements anew."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import jax.numpy as jnp
import torch

from virgil.engine.xla.registry import lowers

aten = torch.ops.aten


@lowers(
    aten.view.default, aten.reshape.default, aten._unsafe_view.default, aten.view_copy.default,
    aten._reshape_alias.default,
)  # fmt: skip
def _view(x: Any, size: Sequence[int], *_: Any) -> Any:
    return jnp.reshape(x, tuple(size)) if x.size else jnp.zeros(_inferred(x, size), x.dtype)


def _inferred(x: Any, size: Sequence[int]) -> tuple[int, ...]:
    """The size of a view without elements: -1 stands for what torch would infer."""
    return tuple(torch.empty(x.shape, device="meta").reshape(tuple(size)).shape)


@lowers(aten.permute.default, aten.permute_copy.default)
def _permute(x: Any, dims: Sequence[int]) -> Any:
    return jnp.transpose(x, tuple(each % max(x.ndim, 1) for each in dims))


@lowers(aten.transpose.int, aten.transpose_copy.int)
def _transpose(x: Any, one: int, other: int) -> Any:
    return jnp.swapaxes(x, one, other) if x.ndim else x


@lowers(aten.t.default, aten.t_copy.default)
def _t(x: Any) -> Any:
    return x.T if x.ndim == 2 else x


@lowers(aten.expand.default, aten.expand_copy.default)
def _expand(x: Any, size: Sequence[int], implicit: bool = False) -> Any:
    own = (1,) * (len(size) - x.ndim) + x.shape
    return jnp.broadcast_to(x, tuple(old if new == -1 else new for old, new in zip(own, size, strict=True)))


@lowers(aten.squeeze.default, aten.squeeze_copy.default)
def _squeeze(x: Any) -> Any:
    return jnp.squeeze(x)


@lowers(aten.squeeze.dim, aten.squeeze.dims, aten.squeeze_copy.dim, aten.squeeze_copy.dims)
def _squeeze_dims(x: Any, dims: Sequence[int] | int) -> Any:
    dims = (dims,) if isinstance(dims, int) else dims
    return jnp.squeeze(x, tuple({each % x.ndim for each in dims if x.shape[each] == 1})) if x.ndim else x


@lowers(aten.unsqueeze.default, aten.unsqueeze_copy.default)
def _unsqueeze(x: Any, dim: int) -> Any:
    return jnp.expand_dims(x, dim)


@lowers(aten.cat.default)
def _cat(tensors: Sequence[Any], dim: int = 0) -> Any:
    dtype = jnp.result_type(*tensors)
    kept = [each for each in tensors if each.shape != (0,)] or list(tensors[:1])
    return jnp.concatenate([each.astype(dtype) for each in kept], dim)


@lowers(aten.stack.default)
def _stack(tensors: Sequence[Any], dim: int = 0) -> Any:
    return jnp.stack(tensors, dim)


@lowers(aten.split_with_sizes.default, aten.split_with_sizes_copy.default)
def _split_with_sizes(x: Any, sizes: Sequence[int], dim: int = 0) -> Any:
    ends = [sum(sizes[: place + 1]) for place in range(len(sizes) - 1)]
    return tuple(jnp.split(x, ends, dim))


@lowers(aten.split.Tensor, aten.split_copy.Tensor)
def _split(x: Any, size: int, dim: int = 0) -> Any:
    return tuple(jnp.split(x, list(range(size, x.shape[dim], size)) if size else [], dim))


@lowers(aten.unbind.int, aten.unbind_copy.int)
def _unbind(x: Any, dim: int = 0) -> Any:
    return tuple(jnp.moveaxis(x, dim, 0)[place] for place in range(x.shape[dim]))


def piece(x: Any, dim: int, start: int | None, end: int | None, step: int) -> tuple[slice, ...]:
    """The index of a slice along one dim, with torch's rule for bounds outside."""
    dim %= x.ndim
    size = x.shape[dim]
    start = 0 if start is None else min(max(start + size if start < 0 else start, 0), size)
    end = size if end is None else min(max(end + size if end < 0 else end, start), size)
    return (*([slice(None)] * dim), slice(start, end, step))


@lowers(aten.slice.Tensor, aten.slice_copy.Tensor)
def _slice(x: Any, dim: int = 0, start: int | None = None, end: int | None = None, step: int = 1) -> Any:
    return x[piece(x, dim, start, end, step)]


@lowers(aten.select.int, aten.select_copy.int)
def _select(x: Any, dim: int, index: int) -> Any:
    return jnp.take(x, index % x.shape[dim], axis=dim)


@lowers(aten.flip.default)
def _flip(x: Any, dims: Sequence[int]) -> Any:
    return jnp.flip(x, tuple(dims)) if x.ndim else x


@lowers(aten.roll.default)
def _roll(x: Any, shifts: Sequence[int] | int, dims: Sequence[int] | int = ()) -> Any:
    return jnp.roll(x, shifts, dims if isinstance(dims, int) else tuple(dims) or None)


@lowers(aten.repeat.default)
def _repeat(x: Any, repeats: Sequence[int]) -> Any:
    return jnp.tile(x, tuple(repeats))


@lowers(aten.diagonal.default, aten.diagonal_copy.default)
def _diagonal(x: Any, offset: int = 0, dim1: int = 0, dim2: int = 1) -> Any:
    return jnp.diagonal(x, offset, dim1, dim2)


@lowers(aten.tril.default)
def _tril(x: Any, diagonal: int = 0) -> Any:
    return jnp.tril(x, diagonal)


@lowers(aten.triu.default)
def _triu(x: Any, diagonal: int = 0) -> Any:
    return jnp.triu(x, diagonal)


@lowers(aten.constant_pad_nd.default)
def _constant_pad(x: Any, pad: Sequence[int], value: Any = 0) -> Any:
    """Pads are named from the last dim; a negative one cuts."""
    pairs = [(0, 0)] * x.ndim
    for place in range(len(pad) // 2):
        pairs[x.ndim - 1 - place] = pad[2 * place], pad[2 * place + 1]
    cut = tuple(slice(max(-low, 0), size - max(-high, 0)) for size, (low, high) in zip(x.shape, pairs, strict=True))
    grown = [(max(low, 0), max(high, 0)) for low, high in pairs]
    return jnp.pad(x[cut], grown, constant_values=jnp.asarray(value, x.dtype))


@lowers(aten.unfold.default, aten.unfold_copy.default)
def _unfold(x: Any, dim: int, size: int, step: int) -> Any:
    starts = range(0, x.shape[dim] - size + 1, step)
    places = jnp.asarray([[start + each for each in range(size)] for start in starts])
    return jnp.moveaxis(jnp.take(x, places, axis=dim), dim % x.ndim + 1, -1)

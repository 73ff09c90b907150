"""Elements read by index. An index outside gives NaN, which stops a run; of integers the least number."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import jax.numpy as jnp
from jax import Array

from virgil.engine.operators.aten import aten
from virgil.engine.xla.registry import lowers
from virgil.errors import OperatorError

__all__ = ["along", "places"]


def along(x: Array, dim: int, index: Array) -> tuple[Any, ...]:
    """The places of ``x`` that ``gather`` and ``scatter`` mean: those of ``index`` itself, but for ``dim``."""
    dim %= max(index.ndim, 1)
    axes = [jnp.arange(size).reshape(-1, *[1] * (index.ndim - axis - 1)) for axis, size in enumerate(index.shape)]
    return *axes[:dim], _nonnegative(index, x.shape[dim]), *axes[dim + 1 :]


def places(indices: Sequence[Array | None]) -> tuple[Any, ...]:
    """Indices of torch as those of an array: ``None`` is a whole axis."""
    return tuple(slice(None) if each is None else each for each in indices)


def _nonnegative(index: Array, size: int) -> Array:
    """The index, where it is negative one that is surely outside: JAX would count from the end."""
    return jnp.where(index < 0, size, index)


def _read(x: Array, where: tuple[Any, ...]) -> Array:
    return x.at[where].get(mode="fill")


@lowers(aten.index.Tensor)
def _index(x: Array, indices: Sequence[Array | None]) -> Array:
    if any(each is not None and each.dtype == jnp.bool_ for each in indices):
        raise OperatorError(
            "A tensor is indexed with a mask, and how many elements that gives depends on the mask's values. "
            "A compiled step needs fixed shapes: use torch.where(mask, x, other) or poutine.mask, or engine='eager'."
        )
    return _read(x, places(indices))


@lowers(aten.gather.default)
def _gather(x: Array, dim: int, index: Array, *, sparse_grad: bool = False) -> Array:
    if not index.size:
        return jnp.zeros(index.shape, x.dtype)
    wide, wide_index = jnp.atleast_1d(x, index)
    return _read(wide, along(wide, dim, wide_index)).reshape(index.shape)


@lowers(aten.index_select.default)
def _index_select(x: Array, dim: int, index: Array) -> Array:
    wide = jnp.atleast_1d(x)
    rows = _nonnegative(index.reshape(-1), wide.shape[dim])
    result = _read(wide, (slice(None),) * (dim % wide.ndim) + (rows,))
    return result if x.ndim else result.reshape(())


@lowers(aten.embedding.default)
def _embedding(
    weight: Array, index: Array, padding_idx: int = -1, scale_grad_by_freq: bool = False, sparse: bool = False
) -> Array:
    return _read(weight, (_nonnegative(index, weight.shape[0]),))


@lowers(aten.embedding_renorm.default)
def _embedding_renorm(weight: Array, index: Array, max_norm: float, norm_type: float) -> Array:
    """The rows that are named, shortened to a norm of ``max_norm`` where theirs is greater."""
    named = jnp.zeros(weight.shape[0], bool).at[index.reshape(-1)].set(True)
    norms = jnp.linalg.norm(weight, norm_type, axis=1)
    scale = jnp.where(named & (norms > max_norm), max_norm / (norms + 1e-7), 1)
    return weight * scale[:, None]


@lowers(aten.nonzero_static.default)
def _nonzero(x: Array, *, size: int, fill_value: int = -1) -> Array:
    found = jnp.nonzero(x, size=size, fill_value=fill_value) if x.ndim else ()
    return jnp.stack(found, -1) if found else jnp.zeros((size, 0), jnp.int64)


@lowers(aten.repeat_interleave.Tensor)
def _repeat_interleave(repeats: Array, *, output_size: int | None = None) -> Array:
    if output_size is None:
        raise OperatorError(
            "torch.repeat_interleave with a tensor of repeats gives a size that depends on their values, and a "
            "compiled step needs fixed shapes: give output_size, or use engine='eager'."
        )
    return jnp.repeat(jnp.arange(repeats.shape[0], dtype=repeats.dtype), repeats, total_repeat_length=output_size)

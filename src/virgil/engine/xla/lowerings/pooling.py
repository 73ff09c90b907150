"""Maxima and means over sliding windows, and their derivatives."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array, lax

from virgil.engine.operators.aten import aten
from virgil.engine.xla.registry import lowers

__all__: list[str] = []


Sizes = int | Sequence[int]


@dataclass(frozen=True)
class _Axis:
    """How windows slide along an axis."""

    size: int
    kernel: int
    stride: int
    padding: int
    dilation: int
    ceil: bool

    @property
    def reach(self) -> int:
        return self.dilation * (self.kernel - 1) + 1

    @property
    def count(self) -> int:
        room = self.size + 2 * self.padding - self.reach
        count = (-(-room // self.stride) if self.ceil else room // self.stride) + 1
        beyond = self.ceil and (count - 1) * self.stride >= self.size + self.padding  # in the padding alone
        return count - 1 if beyond else count

    @property
    def pads(self) -> tuple[int, int]:
        return self.padding, max(0, (self.count - 1) * self.stride + self.reach - self.size - self.padding)

    @property
    def starts(self) -> np.ndarray:
        return np.arange(self.count) * self.stride - self.padding

    def cut(self, offset: int) -> slice:
        """The element at this offset of every window, in the padded axis."""
        first = offset * self.dilation
        return slice(first, first + (self.count - 1) * self.stride + 1, self.stride)


def _axes(
    x: Array, number: int, kernel: Sizes, stride: Sizes, padding: Sizes, dilation: Sizes, ceil: bool
) -> list[_Axis]:
    def each(given: Sizes) -> Sequence[int]:
        listed = [given] if isinstance(given, int) else given
        return [*listed] * (number if len(listed) == 1 else 1)

    options = (each(kernel), each(stride or kernel), each(padding), each(dilation))
    return [_Axis(*those, ceil) for those in zip(x.shape[-number:], *options, strict=True)]


def _place(coordinates: Sequence[np.ndarray], sizes: Sequence[int]) -> np.ndarray:
    """Where elements of these coordinates, one array an axis, stand when the axes are made one."""
    strides = [math.prod(sizes[at + 1 :]) for at in range(len(sizes))]
    grids = np.ix_(*(where * stride for where, stride in zip(coordinates, strides, strict=True)))
    return np.asarray(sum(grids), np.int64)


def _running_max(candidates: Iterable[tuple[Array, np.ndarray]], first: np.ndarray) -> tuple[Array, Array]:
    """The greatest of some arrays, element by element, and the place that came with it; NaN wins."""
    best: Any = None
    place = jnp.asarray(first)
    for values, here in candidates:
        best = jnp.full_like(values, _least(values.dtype)) if best is None else best
        better = (values > best) | jnp.isnan(values)
        best, place = jnp.where(better, values, best), jnp.where(better, here, place)
    return best, place


def _least(dtype: Any) -> Any:
    return -jnp.inf if jnp.issubdtype(dtype, jnp.floating) else jnp.iinfo(dtype).min


def _max_pool(
    number: int,
    x: Array,
    kernel: Sizes,
    stride: Sizes = (),
    padding: Sizes = 0,
    dilation: Sizes = 1,
    ceil: bool = False,
) -> tuple[Array, Array]:
    axes = _axes(x, number, kernel, stride, padding, dilation, ceil)
    sizes = [axis.size for axis in axes]
    pads = [(0, 0)] * (x.ndim - number) + [axis.pads for axis in axes]
    padded = jnp.pad(x, pads, constant_values=_least(x.dtype))

    def candidate(offset: tuple[int, ...]) -> tuple[Array, np.ndarray]:
        cuts = [axis.cut(each) for axis, each in zip(axes, offset, strict=True)]
        here = [axis.starts + each * axis.dilation for axis, each in zip(axes, offset, strict=True)]
        return padded[(..., *cuts)], _place(here, sizes)

    inside = [axis.starts - axis.dilation * (np.minimum(axis.starts, 0) // axis.dilation) for axis in axes]
    offsets = itertools.product(*(range(axis.kernel) for axis in axes))
    return _running_max(map(candidate, offsets), _place(inside, sizes))


def _max_pool_backward(number: int, gradient: Array, x: Array, *options: Any) -> Array:
    *_, place = options
    planes = math.prod(x.shape[:-number])
    total = jnp.zeros((planes, math.prod(x.shape[-number:])), x.dtype)
    rows = np.arange(planes)[:, None]
    return total.at[rows, place.reshape(planes, -1)].add(gradient.reshape(planes, -1)).reshape(x.shape)


def _avg_pool(
    number: int,
    x: Array,
    kernel: Sizes,
    stride: Sizes = (),
    padding: Sizes = 0,
    ceil: bool = False,
    count_include_pad: bool = True,
    divisor: int | None = None,
) -> Array:
    axes = _axes(x, number, kernel, stride, padding, 1, ceil)
    lead = x.ndim - number
    total: Array = lax.reduce_window(
        x,
        np.zeros((), x.dtype),
        lax.add,
        window_dimensions=[1] * lead + [axis.kernel for axis in axes],
        window_strides=[1] * lead + [axis.stride for axis in axes],
        padding=[(0, 0)] * lead + [axis.pads for axis in axes],
    )[(..., *(slice(axis.count) for axis in axes))]
    if divisor is not None:
        return total / divisor
    counts = []
    for axis in axes:
        pad = axis.padding if count_include_pad else 0
        ends = np.minimum(axis.starts + axis.kernel, axis.size + pad)
        counts.append(ends - np.maximum(axis.starts, -pad))
    return total / jnp.asarray(math.prod(np.ix_(*counts)), x.dtype)


def _spans(size: int, count: int) -> tuple[np.ndarray, np.ndarray]:
    """The indices of windows that divide an axis as evenly as can be, (window, element), and which of them count."""
    starts = np.arange(count) * size // count
    ends = -(-(np.arange(1, count + 1) * size) // count)
    index = starts[:, None] + np.arange(max(ends - starts, default=0))
    return np.minimum(index, size - 1), index < ends[:, None]


def _adaptive_avg_pool(number: int, x: Array, output_size: Sequence[int]) -> Array:
    for count in output_size:  # the axes turn: each goes to the end in its turn
        index, counted = _spans(x.shape[-number], count)
        taken = jnp.moveaxis(x, -number, -1)[..., index]
        x = jnp.where(counted, taken, 0).sum(-1) / jnp.asarray(counted.sum(-1), x.dtype)
    return x


def _adaptive_max_pool(number: int, x: Array, output_size: Sequence[int]) -> tuple[Array, Array]:
    sizes = x.shape[-number:]
    spans = [_spans(size, count) for size, count in zip(sizes, output_size, strict=True)]

    def candidate(offset: tuple[int, ...]) -> tuple[Array, np.ndarray]:
        where = [index[:, each] for (index, _), each in zip(spans, offset, strict=True)]
        counted = math.prod(np.ix_(*(counts[:, each] * 1 for (_, counts), each in zip(spans, offset, strict=True))))
        return jnp.where(counted > 0, x[(..., *np.ix_(*where))], _least(x.dtype)), _place(where, sizes)

    offsets = itertools.product(*(range(index.shape[1]) for index, _ in spans))
    return _running_max(map(candidate, offsets), _place([index[:, 0] for index, _ in spans], sizes))


def _transposed(linear: Callable[[Array], Array], x: Array, gradient: Array) -> Array:
    result: Array = jax.linear_transpose(linear, x)(gradient)[0]
    return result


def _avg_pool_backward(number: int, gradient: Array, x: Array, *options: Any) -> Array:
    return _transposed(lambda x: _avg_pool(number, x, *options), x, gradient)


def _adaptive_avg_pool_backward(number: int, gradient: Array, x: Array) -> Array:
    return _transposed(lambda x: _adaptive_avg_pool(number, x, gradient.shape[-number:]), x, gradient)


for _pool, *_operators in (
    (_max_pool, aten.max_pool2d_with_indices, aten.max_pool3d_with_indices),
    (_max_pool_backward, aten.max_pool2d_with_indices_backward, aten.max_pool3d_with_indices_backward),
    (_adaptive_max_pool, aten.adaptive_max_pool2d, aten.adaptive_max_pool3d),
    (_max_pool_backward, aten.adaptive_max_pool2d_backward, aten.adaptive_max_pool3d_backward),
    (_avg_pool, aten.avg_pool2d, aten.avg_pool3d),
    (_avg_pool_backward, aten.avg_pool2d_backward, aten.avg_pool3d_backward),
    (_adaptive_avg_pool, aten._adaptive_avg_pool2d, aten._adaptive_avg_pool3d),
    (_adaptive_avg_pool_backward, aten._adaptive_avg_pool2d_backward, aten._adaptive_avg_pool3d_backward),
):
    for _number, _operator in enumerate(_operators, 2):
        lowers(_operator.default)(partial(_pool, _number))

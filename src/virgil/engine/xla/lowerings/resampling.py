"""Images and signals at another size: nearest, linear and cubic interpolation along each axis, and the derivatives."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array

from virgil.engine.operators.aten import aten
from virgil.engine.xla.registry import lowers

__all__: list[str] = []


_Taps = tuple[np.ndarray, np.ndarray]  # of every output element: the inputs that it is made of, and their weights


def _scale(size: int, count: int, given: float | None) -> float:
    return 1 / given if given else size / count


def _nearest(size: int, count: int, given: float | None, shift: float = 0.0) -> _Taps:
    scale = np.float32(_scale(size, count, given))
    index = np.floor((np.arange(count, dtype=np.float32) + np.float32(shift)) * scale).astype(np.int64)
    return np.minimum(index, size - 1)[:, None], np.ones((count, 1))


def _positions(size: int, count: int, align_corners: bool, given: float | None) -> np.ndarray:
    """Where the output elements lie on the input's axis."""
    if align_corners:
        return np.arange(count) * ((size - 1) / max(count - 1, 1))
    return (np.arange(count) + 0.5) * _scale(size, count, given) - 0.5


def _linear(size: int, count: int, align_corners: bool, given: float | None) -> _Taps:
    position = np.maximum(_positions(size, count, align_corners, given), 0)
    low = np.minimum(position.astype(np.int64), size - 1)
    part = np.clip(position - low, 0, 1)
    return np.stack([low, np.minimum(low + 1, size - 1)], 1), np.stack([1 - part, part], 1)


def _cubic(size: int, count: int, align_corners: bool, given: float | None) -> _Taps:
    """Cubic convolution with a = -0.75 (Keys, 1981)."""
    position = _positions(size, count, align_corners, given)
    low = np.floor(position)
    offsets = np.arange(-1, 3)
    far = np.abs((position - low)[:, None] - offsets)
    a = -0.75
    near = ((a + 2) * far - (a + 3)) * far**2 + 1
    weights = np.where(far <= 1, near, ((far - 5) * far + 8) * far * a - 4 * a)
    return np.clip(low[:, None].astype(np.int64) + offsets, 0, size - 1), weights


def _apply(x: Array, taps: Sequence[_Taps]) -> Array:
    for index, weights in taps:  # the axes turn: each goes to the end in its turn
        taken = jnp.moveaxis(x, -len(taps), -1)[..., index]
        x = taken[..., 0] if index.shape[1] == 1 else (taken * jnp.asarray(weights, x.dtype)).sum(-1)
    return x


def _resample(axis: Callable[..., _Taps], x: Array, sizes: Sequence[int], *options: Any) -> Array:
    return _apply(x, _taps(axis, x.shape[2:], sizes, options))


def _resample_backward(
    axis: Callable[..., _Taps], gradient: Array, sizes: Sequence[int], input_size: Sequence[int], *options: Any
) -> Array:
    taps = _taps(axis, input_size[2:], sizes, options)
    pull = jax.linear_transpose(partial(_apply, taps=taps), jnp.zeros(input_size, gradient.dtype))
    result: Array = pull(gradient)[0]
    return result


def _taps(
    axis: Callable[..., _Taps], sizes: Sequence[int], counts: Sequence[int], options: Sequence[Any]
) -> list[_Taps]:
    """Of all axes. The options are ``align_corners``, which the nearest has not, and a scale for each axis."""
    flags = [each for each in options if isinstance(each, bool)]
    scales = [*options[len(flags) :]] + [None] * len(sizes)
    return [axis(size, count, *flags, scale) for size, count, scale in zip(sizes, counts, scales, strict=False)]


for _axis, _operators in (
    (_nearest, (aten.upsample_nearest1d_backward, aten.upsample_nearest2d_backward, aten.upsample_nearest3d_backward)),
    (
        partial(_nearest, shift=0.5),
        (
            aten._upsample_nearest_exact1d_backward,
            aten._upsample_nearest_exact2d_backward,
            aten._upsample_nearest_exact3d_backward,
        ),
    ),
    (_linear, (aten.upsample_linear1d_backward, aten.upsample_bilinear2d_backward, aten.upsample_trilinear3d_backward)),
    (_cubic, (aten.upsample_bicubic2d_backward,)),
):
    lowers(*(operator.default for operator in _operators))(partial(_resample_backward, _axis))
lowers(aten.upsample_bilinear2d.default, aten.upsample_trilinear3d.default)(partial(_resample, _linear))
lowers(aten.upsample_bicubic2d.default)(partial(_resample, _cubic))

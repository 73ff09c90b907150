"""Convolution, plain and transposed, over any number of axes, and its derivatives."""

from __future__ import annotations

from collections.abc import Sequence

import jax
import jax.numpy as jnp
from jax import Array, lax

from virgil.engine.operators.aten import aten
from virgil.engine.xla.registry import lowers

__all__: list[str] = []


@lowers(aten.convolution.default)
def _convolution(
    x: Array,
    weight: Array,
    bias: Array | None,
    stride: Sequence[int],
    padding: Sequence[int],
    dilation: Sequence[int],
    transposed: bool,
    output_padding: Sequence[int],
    groups: int,
) -> Array:
    axes = x.ndim - 2
    stride, padding, dilation, output_padding = (
        [*given] * (axes if len(given) == 1 else 1) for given in (stride, padding, dilation, output_padding)
    )
    pads = [(each, each) for each in padding]
    if transposed:  # the adjoint: spread the input by the stride, then convolve with the kernel turned round
        reach = [d * (k - 1) - p for d, k, p in zip(dilation, weight.shape[2:], padding, strict=True)]
        pads = [(each, each + more) for each, more in zip(reach, output_padding, strict=True)]
        weight = _turned(weight, groups)
    result = lax.conv_general_dilated(
        x,
        weight,
        window_strides=[1] * axes if transposed else stride,
        padding=pads,
        lhs_dilation=stride if transposed else None,
        rhs_dilation=dilation,
        feature_group_count=groups,
        precision=lax.Precision.HIGHEST,
    )
    return result if bias is None else result + bias.reshape(-1, *[1] * axes)


def _turned(weight: Array, groups: int) -> Array:
    """From (in, out / groups, ...) to (out, in / groups, ...), reversed along the other axes."""
    inputs, outputs, *kernel = weight.shape
    split = weight.reshape(groups, inputs // groups, outputs, *kernel).swapaxes(1, 2)
    return jnp.flip(split.reshape(groups * outputs, inputs // groups, *kernel), range(2, weight.ndim))


@lowers(aten.convolution_backward.default)
def _convolution_backward(
    gradient: Array,
    x: Array,
    weight: Array,
    bias_sizes: Sequence[int] | None,
    stride: Sequence[int],
    padding: Sequence[int],
    dilation: Sequence[int],
    transposed: bool,
    output_padding: Sequence[int],
    groups: int,
    output_mask: Sequence[bool],
) -> tuple[Array | None, ...]:
    options = (stride, padding, dilation, transposed, output_padding, groups)
    _, pull = jax.vjp(lambda x, weight: _convolution(x, weight, None, *options), x, weight)
    bias = gradient.sum((0, *range(2, gradient.ndim)))
    return tuple(each if wanted else None for each, wanted in zip((*pull(gradient), bias), output_mask, strict=True))

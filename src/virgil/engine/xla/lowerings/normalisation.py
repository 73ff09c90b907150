"""Normalisation by the mean and variance of a batch, a layer or a group."""

from __future__ import annotations

from collections.abc import Sequence

import jax.numpy as jnp
from jax import Array, lax

from virgil.engine.operators.aten import aten
from virgil.engine.xla.registry import lowers

__all__: list[str] = []


def _moments(x: Array, axes: Sequence[int]) -> tuple[Array, Array]:
    """Mean and biased variance, with the axes kept."""
    mean = x.mean(axes, keepdims=True)
    return mean, jnp.square(x - mean).mean(axes, keepdims=True)


def _affine(x: Array, weight: Array | None, bias: Array | None) -> Array:
    scaled = x if weight is None else x * weight
    return scaled if bias is None else scaled + bias


def _by_channel(each: Array | None, like: Array) -> Array | None:
    return None if each is None else each.reshape(-1, *[1] * (like.ndim - 2))


@lowers(aten._native_batch_norm_legit_functional.default)
def _batch_norm(
    x: Array,
    weight: Array | None,
    bias: Array | None,
    running_mean: Array | None,
    running_var: Array | None,
    training: bool,
    momentum: float,
    eps: float,
) -> tuple[Array | None, ...]:
    """Output, the batch's mean and inverse standard deviation (empty outside training), and the running statistics."""
    if training:
        axes = (0, *range(2, x.ndim))
        mean, variance = _moments(x, axes)
        count = x.size // x.shape[1]
        unbiased = variance * (count / max(count - 1, 1))
        if running_mean is not None:
            running_mean = (1 - momentum) * running_mean + momentum * mean.reshape(-1)
        if running_var is not None:
            running_var = (1 - momentum) * running_var + momentum * unbiased.reshape(-1)
    else:
        mean, variance = _by_channel(running_mean, x), _by_channel(running_var, x)  # type: ignore[assignment]
    inverse = lax.rsqrt(variance + eps)
    result = _affine((x - mean) * inverse, _by_channel(weight, x), _by_channel(bias, x))
    saved = (mean.reshape(-1), inverse.reshape(-1)) if training else (jnp.zeros((0,), x.dtype),) * 2
    return result, *saved, running_mean, running_var


@lowers(aten._native_batch_norm_legit_no_training.default)
def _batch_norm_evaluating(
    x: Array,
    weight: Array | None,
    bias: Array | None,
    running_mean: Array,
    running_var: Array,
    momentum: float,
    eps: float,
) -> tuple[Array | None, ...]:
    return _batch_norm(x, weight, bias, running_mean, running_var, False, momentum, eps)[:3]


@lowers(aten._native_batch_norm_legit.no_stats)
def _batch_norm_without_statistics(
    x: Array, weight: Array | None, bias: Array | None, training: bool, momentum: float, eps: float
) -> tuple[Array | None, ...]:
    return _batch_norm(x, weight, bias, None, None, training, momentum, eps)[:3]


@lowers(aten.native_layer_norm.default)
def _layer_norm(
    x: Array, normalized_shape: Sequence[int], weight: Array | None, bias: Array | None, eps: float
) -> tuple[Array, Array, Array]:
    mean, variance = _moments(x, range(x.ndim - len(normalized_shape), x.ndim))
    inverse = lax.rsqrt(variance + eps)
    return _affine((x - mean) * inverse, weight, bias), mean, inverse


@lowers(aten.native_group_norm.default)
def _group_norm(
    x: Array, weight: Array | None, bias: Array | None, n: int, c: int, hxw: int, group: int, eps: float
) -> tuple[Array, Array, Array]:
    grouped = x.reshape(n, group, c // group * hxw)
    mean, variance = _moments(grouped, (2,))
    inverse = lax.rsqrt(variance + eps)
    normal = ((grouped - mean) * inverse).reshape(x.shape)
    return _affine(normal, _by_channel(weight, x), _by_channel(bias, x)), mean[..., 0], inverse[..., 0]


@lowers(aten._weight_norm_interface_backward.default)
def _weight_norm_backward(
    gradient: Array, direction: Array, size: Array, norms: Array, dim: int
) -> tuple[Array, Array]:
    """Of ``size * direction / |direction|``, where the norm is over all axes but one."""
    unit = direction / norms
    along = (gradient * unit).sum([axis for axis in range(unit.ndim) if axis != dim], keepdims=True)
    return size / norms * (gradient - unit * along), along

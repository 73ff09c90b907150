"""Fourier transforms over any number of axes, and complex numbers made of real ones."""

from __future__ import annotations

from collections.abc import Sequence
from math import prod

import jax.numpy as jnp
from jax import Array, lax

from virgil.engine.operators.aten import aten
from virgil.engine.xla.registry import lowers

__all__: list[str] = []

_POWERS = {0: 0.0, 1: -0.5, 2: -1.0}  # of the number of entries, by torch's code for the normalization


def _scaled(x: Array, count: int, normalization: int) -> Array:
    return x * count ** _POWERS[normalization] if normalization else x


def _over(x: Array, axes: Sequence[int], forward: bool) -> Array:
    """One transform after the other, without a factor."""
    for axis in axes:
        x = jnp.fft.fft(x, axis=axis) if forward else jnp.fft.ifft(x, axis=axis, norm="forward")
    return x


def _count(shape: Sequence[int], axes: Sequence[int]) -> int:
    return prod(shape[axis] for axis in axes)


@lowers(aten._fft_c2c.default)
def _fft_c2c(x: Array, dim: Sequence[int], normalization: int, forward: bool) -> Array:
    return _scaled(_over(x, dim, forward), _count(x.shape, dim), normalization)


@lowers(aten._fft_r2c.default)
def _fft_r2c(x: Array, dim: Sequence[int], normalization: int, onesided: bool) -> Array:
    *others, last = dim
    first = jnp.fft.rfft(x, axis=last) if onesided else jnp.fft.fft(x, axis=last)
    return _scaled(_over(first, others, forward=True), _count(x.shape, dim), normalization)


@lowers(aten._fft_c2r.default)
def _fft_c2r(x: Array, dim: Sequence[int], normalization: int, last_dim_size: int) -> Array:
    *others, last = dim
    result = jnp.fft.irfft(_over(x, others, forward=False), n=last_dim_size, axis=last, norm="forward")
    return _scaled(result, _count(result.shape, dim), normalization)


@lowers(aten.complex.default)
def _complex(real: Array, imag: Array) -> Array:
    return lax.complex(*jnp.broadcast_arrays(real, imag))


@lowers(aten.polar.default)
def _polar(size: Array, angle: Array) -> Array:
    size, angle = jnp.broadcast_arrays(size, angle)
    return lax.complex(size * jnp.cos(angle), size * jnp.sin(angle))


@lowers(aten._conj.default)
def _conj(x: Array) -> Array:
    return jnp.conj(x)


@lowers(aten._neg_view.default)
def _neg_view(x: Array) -> Array:
    return -x

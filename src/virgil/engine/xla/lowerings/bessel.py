"""Bessel functions of order 0 and 1, from their integral representations and asymptotic series.

Numbers of equations are those of the Digital Library of Mathematical Functions, https://dlmf.nist.gov, chapter 10. All
are taken in float64. On a bounded range the trapezoidal rule converges geometrically, as the integrands are periodic
or decay doubly exponentially; the rest of the range is left to the asymptotic series.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import partial
from typing import Any

import jax.numpy as jnp
import numpy as np
from jax import Array
from jax.scipy import special

from virgil.engine.operators.aten import aten
from virgil.engine.xla.lowerings.floating import in_double, of_floats
from virgil.engine.xla.registry import lowers

__all__: list[str] = []


_FAR = 25.0  # from here the asymptotic series has terms below 1e-17
_ANGLES = (np.arange(32) + 0.5) * (math.pi / 64)
_SINES = np.sin(_ANGLES)
# the weights of sum_k (-1)^k J_2k / k, whose terms are Fourier coefficients of cos(x sin t)
_LOGARITHMIC = sum((-1) ** k * np.cos(2 * k * _ANGLES) / k for k in range(1, 32)) / len(_ANGLES)


def _near(order: int, second: bool, x: Array) -> Array:
    """J (10.9.1) or Y (10.23.2) for x up to 25; order 1 is minus the derivative of order 0."""
    angles = x[..., None] * _SINES
    wave = jnp.cos(angles) if order == 0 else _SINES * jnp.sin(angles)
    first = wave.mean(-1)
    if not second:
        return first
    smooth = jnp.log(x / 2) + np.euler_gamma
    pole = jnp.cos(angles).mean(-1) / x if order else 0.0
    series: Array = (wave * _LOGARITHMIC).sum(-1)
    return (2 / math.pi) * (smooth * first - pole - 2 * series)


def _asymptotic(order: int, second: bool, x: Array) -> Array:
    """Hankel's expansions, 10.17.3 and 10.17.4, with 10.17.1 for the coefficients."""
    terms = [1.0]
    for k in range(1, 24):
        terms.append(terms[-1] * (4 * order**2 - (2 * k - 1) ** 2) / (8 * k))
    even = [(-1) ** k * each for k, each in enumerate(terms[0::2])]
    odd = [(-1) ** k * each for k, each in enumerate(terms[1::2])]
    u = 1 / (x * x)
    p, q = jnp.polyval(jnp.array(even[::-1]), u), jnp.polyval(jnp.array(odd[::-1]), u) / x
    sine, cosine = (jnp.sin(x) - jnp.cos(x)) / math.sqrt(2), (jnp.sin(x) + jnp.cos(x)) / math.sqrt(2)
    if order:
        sine, cosine = -cosine, sine
    return jnp.sqrt(2 / (math.pi * x)) * (p * sine + q * cosine if second else p * cosine - q * sine)


def _bessel_j(order: int, x: Array) -> Array:
    size = jnp.abs(x)
    near, far = _near(order, False, jnp.minimum(size, _FAR)), _asymptotic(order, False, jnp.maximum(size, _FAR))
    value = jnp.where(size < _FAR, near, far)
    return jnp.sign(x) * value if order else value


def _bessel_y(order: int, x: Array) -> Array:
    near, far = _near(order, True, jnp.minimum(x, _FAR)), _asymptotic(order, True, jnp.maximum(x, _FAR))
    return jnp.where(x == 0, -jnp.inf, jnp.where(x < _FAR, near, far))


def _scaled_bessel_k(order: int, x: Array) -> Array:
    """exp(x) K(x): the series 10.31.2 below 2, the integral 10.32.9 above."""
    harmonic = np.cumsum(1 / np.arange(1, 16))
    terms = np.array([h / math.factorial(k) ** 2 for k, h in enumerate(harmonic, 1)])
    small = jnp.minimum(x, 2.0)
    square, smooth = small * small / 4, jnp.log(small / 2) + np.euler_gamma
    if order == 0:
        series = square * jnp.polyval(terms[::-1], square) - smooth * special.i0(small)
    else:
        slope = small / 2 * jnp.polyval((terms * np.arange(1, 16))[::-1], square)
        series = special.i0(small) / small + smooth * special.i1(small) - slope
    large = jnp.clip(x, 2.0, 1e300)
    step = jnp.arccosh(1 + 40 / large) / 32  # beyond 32 steps the integrand is below exp(-40)
    t = step[..., None] * np.arange(33)
    heights = jnp.exp(-2 * large[..., None] * jnp.sinh(t / 2) ** 2) * jnp.cosh(order * t)
    integral = step * (heights.sum(-1) - heights[..., 0] / 2)
    return jnp.where(x == 0, jnp.inf, jnp.where(x < 2, series * jnp.exp(small), integral))


def _spherical_bessel_j0(x: Array) -> Array:
    return jnp.where(jnp.isinf(x), 0, jnp.sinc(x / math.pi))


_FUNCTIONS: dict[Any, Callable[[Array], Array]] = {
    aten.special_bessel_j0: partial(_bessel_j, 0),
    aten.special_bessel_j1: partial(_bessel_j, 1),
    aten.special_bessel_y0: partial(_bessel_y, 0),
    aten.special_bessel_y1: partial(_bessel_y, 1),
    aten.special_modified_bessel_i0: special.i0,
    aten.special_modified_bessel_i1: special.i1,
    aten.special_modified_bessel_k0: lambda x: jnp.exp(-x) * _scaled_bessel_k(0, x),
    aten.special_modified_bessel_k1: lambda x: jnp.exp(-x) * _scaled_bessel_k(1, x),
    aten.special_scaled_modified_bessel_k0: partial(_scaled_bessel_k, 0),
    aten.special_scaled_modified_bessel_k1: partial(_scaled_bessel_k, 1),
    aten.special_spherical_bessel_j0: _spherical_bessel_j0,
}
for _operator, _function in _FUNCTIONS.items():
    lowers(_operator.default)(of_floats(in_double(_function)))

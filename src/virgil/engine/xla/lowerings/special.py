"""Special functions of the gamma, error and modified Bessel families, as torch has them.

Where JAX's function is poor in float32 it is taken in float64; where it is poor in float64 it is mended here.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import jax.numpy as jnp
from jax import Array, lax
from jax.scipy import special

from virgil.engine.operators.aten import aten
from virgil.engine.xla.lowerings.floating import in_double, of_floats
from virgil.engine.xla.registry import lowers

__all__: list[str] = []


def _erfinv(x: Array) -> Array:
    """One step of Newton's method from XLA's approximation, which has 1e-10 near the ends."""
    size = jnp.abs(x)
    y = lax.erf_inv(size)
    excess = jnp.where(size < 0.5, lax.erf(y) - size, (1 - size) - lax.erfc(y))
    return jnp.sign(x) * jnp.where(size < 1, y - excess * (math.sqrt(math.pi) / 2) * jnp.exp(y * y), y)


def _zeta(s: Array, q: Array) -> Array:
    """Hurwitz's zeta function; below zero the sum's first terms one by one, as many as lead above zero."""

    def below(q: Array) -> Array:
        return (q < 0) & (q != jnp.floor(q))

    def shifted(carry: tuple[Array, Array]) -> tuple[Array, Array]:
        total, q = carry
        return jnp.where(below(q), total + q**-s, total), jnp.where(below(q), q + 1, q)

    total, above = lax.while_loop(lambda carry: below(carry[1]).any(), shifted, (jnp.zeros_like(q), q))
    pole = jnp.where(s < 1, jnp.nan, jnp.inf)
    return total + jnp.where(above <= 0, pole, lax.zeta(s, above))


def _digamma(x: Array) -> Array:
    return jnp.where(x == 0, -jnp.copysign(jnp.inf, x), lax.digamma(x))


_OF_FLOATS: dict[Any, Callable[..., Array]] = {
    aten.lgamma: lax.lgamma,
    aten.digamma: _digamma,
    aten.erf: lax.erf,
    aten.erfc: lax.erfc,
    aten.erfinv: _erfinv,
    aten.special_erfcx: in_double(special.erfcx),
    aten.special_ndtri: special.ndtri,
    aten.i0: special.i0,
    aten.special_i0e: special.i0e,
    aten.special_i1: special.i1,
    aten.special_i1e: special.i1e,
    aten.igamma: in_double(lax.igamma),
    aten.igammac: in_double(lax.igammac),
    aten.special_zeta: _zeta,
}


for _operator, _function in _OF_FLOATS.items():
    lowers(_operator.default)(of_floats(_function))
lowers(aten.special_zeta.other_scalar, aten.special_zeta.self_scalar)(of_floats(_zeta))


@lowers(aten.polygamma.default)
def _polygamma(n: int, x: Array) -> Array:
    return of_floats(lambda x: _derivative_of_digamma(n, x))(x)


def _derivative_of_digamma(n: int, x: Array) -> Array:
    if n == 0:
        return _digamma(x)
    factor = float((-1) ** (n + 1) * math.factorial(n))
    return factor * _zeta(jnp.full_like(x, n + 1), x)

"""Orthogonal polynomials, by their three-term recurrences (DLMF 18.9)."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import jax.numpy as jnp
from jax import Array, lax

from virgil.engine.operators.aten import aten
from virgil.engine.xla.lowerings.floating import of_floats
from virgil.engine.xla.registry import lowers

__all__: list[str] = []


_Coefficients = Callable[[Any, Array], tuple[Any, Any]]


def _polynomial(coefficients: _Coefficients, x: Array, n: Array) -> Array:
    """The n-th of P[k + 1] = a P[k] - b P[k - 1], where a and b are functions of k and x; zero for negative n."""
    n = n.astype(jnp.int64)

    def step(k: Array, carry: tuple[Array, Array, Array]) -> tuple[Array, Array, Array]:
        before, here, found = carry
        a, b = coefficients(k.astype(x.dtype), x)
        return here, a * here - b * before, jnp.where(n == k, here, found)

    zero = jnp.zeros_like(x)
    highest = n.max(initial=0) + 1
    found: Array
    _, _, found = lax.fori_loop(jnp.zeros_like(highest), highest, step, (zero, zero + 1, zero))
    return found


def _chebyshev(first: Callable[[Array], Array]) -> _Coefficients:
    return lambda k, x: (jnp.where(k == 0, first(x), 2 * x), 1)


def _shifted(first: Callable[[Array], Array]) -> _Coefficients:
    plain = _chebyshev(first)
    return lambda k, x: plain(k, 2 * x - 1)


_COEFFICIENTS: dict[Any, _Coefficients] = {
    aten.special_chebyshev_polynomial_t: _chebyshev(lambda x: x),
    aten.special_chebyshev_polynomial_u: _chebyshev(lambda x: 2 * x),
    aten.special_chebyshev_polynomial_v: _chebyshev(lambda x: 2 * x - 1),
    aten.special_chebyshev_polynomial_w: _chebyshev(lambda x: 2 * x + 1),
    aten.special_shifted_chebyshev_polynomial_t: _shifted(lambda x: x),
    aten.special_shifted_chebyshev_polynomial_u: _shifted(lambda x: 2 * x),
    aten.special_shifted_chebyshev_polynomial_v: _shifted(lambda x: 2 * x - 1),
    aten.special_shifted_chebyshev_polynomial_w: _shifted(lambda x: 2 * x + 1),
    aten.special_hermite_polynomial_h: lambda k, x: (2 * x, 2 * k),
    aten.special_hermite_polynomial_he: lambda k, x: (x, k),
    aten.special_laguerre_polynomial_l: lambda k, x: ((2 * k + 1 - x) / (k + 1), k / (k + 1)),
    aten.special_legendre_polynomial_p: lambda k, x: ((2 * k + 1) * x / (k + 1), k / (k + 1)),
}
for _operator, _those in _COEFFICIENTS.items():
    lowers(_operator.default, _operator.x_scalar, _operator.n_scalar)(of_floats(partial(_polynomial, _those)))

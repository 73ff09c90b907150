"""Orthogonal polynomials, by their three-term recurrences (DLMF 18.9)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax.numpy as jnp
import torch
from jax import Array, lax

from virgil.engine.xla.lowerings.floating import of_floats
from virgil.engine.xla.registry import lowers

__all__: list[str] = []

aten = torch.ops.aten

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
    return lax.fori_loop(jnp.zeros_like(highest), highest, step, (zero, zero + 1, zero))[2]


def _chebyshev(first: Callable[[Array], Array]) -> _Coefficients:
    return lambda k, x: (jnp.where(k == 0, first(x), 2 * x), 1)


_KINDS: dict[str, _Coefficients] = {
    "chebyshev_polynomial_t": _chebyshev(lambda x: x),
    "chebyshev_polynomial_u": _chebyshev(lambda x: 2 * x),
    "chebyshev_polynomial_v": _chebyshev(lambda x: 2 * x - 1),
    "chebyshev_polynomial_w": _chebyshev(lambda x: 2 * x + 1),
    "hermite_polynomial_h": lambda k, x: (2 * x, 2 * k),
    "hermite_polynomial_he": lambda k, x: (x, k),
    "laguerre_polynomial_l": lambda k, x: ((2 * k + 1 - x) / (k + 1), k / (k + 1)),
    "legendre_polynomial_p": lambda k, x: ((2 * k + 1) * x / (k + 1), k / (k + 1)),
}


def _lower(name: str, function: Callable[[Array, Array], Array]) -> None:
    operator = getattr(aten, f"special_{name}")
    lowers(operator.default, operator.x_scalar, operator.n_scalar)(of_floats(function))


for _name, _kind in _KINDS.items():
    _lower(_name, lambda x, n, kind=_kind: _polynomial(kind, x, n))
    if _name.startswith("chebyshev"):
        _lower(f"shifted_{_name}", lambda x, n, kind=_kind: _polynomial(kind, 2 * x - 1, n))

"""Gamma and Dirichlet variables, and how they move with their concentrations."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
import torch
from jax import Array
from jax.scipy.special import digamma

from virgil.engine.xla.lowerings.random import exponential
from virgil.engine.xla.registry import draws, lowers

aten = torch.ops.aten

_LONGEST = 100_000  # terms; about nine times the root of the concentration are needed


def _log_gamma(key: Any, concentration: Array) -> Array:
    """Logarithms of gamma variables, by rejection from a cubed normal *(Marsaglia and Tsang 2000)*; NaN stays NaN.

    One of a concentration below one is one of a concentration greater by one times ``U**(1 / concentration)``.
    """
    shape, dtype = concentration.shape, concentration.dtype
    is_small = concentration < 1
    d = concentration + is_small - 1 / 3
    spread = jax.lax.rsqrt(9 * d)

    def draw(tries: Any) -> Any:
        number, is_done, log_value = tries
        for_normal, for_other = jax.random.split(jax.random.fold_in(key, number))
        x = jax.random.normal(for_normal, shape, dtype)
        log_v = 3 * jnp.log1p(spread * x)  # NaN, which is refused, below -1
        is_good = -exponential(for_other, shape, dtype) < x**2 / 2 - d * (jnp.expm1(log_v) - log_v)
        return number + 1, is_done | is_good, jnp.where(is_done, log_value, jnp.log(d) + log_v)

    is_hopeless = ~(jnp.isfinite(concentration) & (concentration > 0))
    tries = jnp.int64(1), is_hopeless, jnp.full(shape, jnp.nan, dtype)
    log_value = jax.lax.while_loop(lambda tries: ~tries[1].all(), draw, tries)[2]
    boost = exponential(jax.random.fold_in(key, 0), shape, dtype) / concentration
    return jnp.where(is_small, log_value - boost, log_value)


@draws(aten._standard_gamma.default)
def _standard_gamma(key: Any, concentration: Array, *, generator: None = None) -> Array:
    return jnp.maximum(jnp.exp(_log_gamma(key, concentration)), jnp.finfo(concentration.dtype).tiny)


@lowers(aten._standard_gamma_grad.default)
def _standard_gamma_grad(concentration: Array, value: Array) -> Array:
    slope: Array = jax.lax.random_gamma_grad(concentration, value)
    return slope


@draws(aten._sample_dirichlet.default)
def _sample_dirichlet(key: Any, concentration: Array, *, generator: None = None) -> Array:
    shares = jax.nn.softmax(_log_gamma(key, concentration), -1)
    return jnp.maximum(shares, jnp.finfo(concentration.dtype).tiny)


@lowers(aten._dirichlet_grad.default)
def _dirichlet_grad(value: Array, concentration: Array, total: Array) -> Array:
    """How a coordinate x moves with its concentration, over 1 - x.

    It is a beta variable, so it moves as a quantile of ``I_x(a, b)`` does: by ``-dI/da / density``.
    """
    x, a, b = (each.astype(jnp.float64) for each in (value, concentration, total - concentration))
    is_low = x * (a + b) <= a  # the series is short there, and from the other end elsewhere
    p, q, y = jnp.where(is_low, a, b), jnp.where(is_low, b, a), jnp.where(is_low, x, 1 - x)
    series, by_first, by_second = _beta_series(p, q, y)
    moving = jnp.log(x) + digamma(a + b)
    low = -(series * (moving - digamma(a + 1)) + by_first) / a
    high = (series * (moving - digamma(a)) + by_second) / b
    return (x * jnp.where(is_low, low, high)).astype(value.dtype)


def _beta_series(p: Array, q: Array, y: Array) -> tuple[Array, Array, Array]:
    """``sum_n (p + q)_n / (p + 1)_n y**n``, which is ``I_y(p, q)`` over ``y**p (1 - y)**q / (p B(p, q))``.

    Also its derivatives by ``p`` and by ``q``.
    """

    def add(terms: Any) -> Any:
        n, term, upper, lower, series, by_first, by_second = terms
        term = term * y * (p + q + n) / (p + 1 + n)
        upper, lower = upper + 1 / (p + q + n), lower + 1 / (p + 1 + n)
        return n + 1, term, upper, lower, series + term, by_first + term * (upper - lower), by_second + term * upper

    def goes_on(terms: Any) -> Any:
        n, term, _, _, series, _, _ = terms
        return (n < _LONGEST) & (term > 1e-18 * series).any()

    zero, one = jnp.zeros_like(y), jnp.ones_like(y)
    return jax.lax.while_loop(goes_on, add, (jnp.float64(0), one, zero, zero, one, zero, zero))[4:]

"""Gamma and Dirichlet variables, and how they move with their concentrations."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array
from jax.scipy.special import digamma

from virgil.engine.operators.aten import aten
from virgil.engine.xla.lowerings.random import exponential
from virgil.engine.xla.registry import draws, lowers

# of the quadrature in a result of four or eight bytes: points, and minus the logarithm of what is negligible
_QUADRATURE = {4: (16, 17.0), 8: (32, 37.0)}
_NEWTON = 5


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

    It is a beta variable, so it moves as a quantile of ``I_x(a, b)`` does: by ``-dI/da / density``, where ``dI/da`` is
    the integral of ``density(t) (log t - E log t)`` over t below x, and minus that above x.
    """
    x, a, b = (each.astype(jnp.float64) for each in (value, concentration, total - concentration))
    is_low = x * (a + b) <= a  # the shorter tail
    p, q, y = jnp.where(is_low, a, b), jnp.where(is_low, b, a), jnp.where(is_low, x, 1 - x)
    here = jnp.where(is_low, jnp.log(x), jnp.log1p(-y)) - digamma(a) + digamma(a + b)  # log t - E log t at x
    s, weights, p, q, odds, here = (
        each.astype(value.dtype)
        for each in (*_tail(p, q, y, *_QUADRATURE[value.dtype.itemsize]), p, q, y / (1 - y), here)
    )
    gain = jnp.log1p(-odds * jnp.expm1(-s))  # of log(1 - t)
    density = jnp.exp((q - 1) * gain - p * s)
    moved = (weights * density * (here + jnp.where(is_low, -s, gain))).sum(0)
    return jnp.where(is_low, x / (x - 1), 1.0).astype(value.dtype) * moved


def _tail(p: Array, q: Array, y: Array, size: int, negligible: float) -> tuple[Array, Array]:
    """Where to look at the tail ``t = y exp(-s)`` of a beta density, and with what weights.

    Gauss and Legendre's rule in the cube root of s, which brings most points near 0, where ``1 - t`` may be small. The
    tail ends where the density is negligible beside that at y.
    """
    log_rest = jnp.log1p(-y)
    end = (negligible + jnp.maximum(-(q - 1) * log_rest, 0.0)) / p

    def nearer(_: Any, end: Array) -> Array:
        t = y * jnp.exp(-end)
        log_density = -p * end + (q - 1) * (jnp.log1p(-t) - log_rest)
        return end - (log_density + negligible) / (-p + (q - 1) * t / (1 - t))

    # the logarithm is concave, so that Newton's steps come from the far side and do not pass the end
    end = jnp.where(q > 1, jax.lax.fori_loop(0, _NEWTON, nearer, end), end)
    points, weights = np.polynomial.legendre.leggauss(size)
    roots = ((points + 1) / 2).reshape(-1, *[1] * y.ndim)
    return end * roots**3, end * 3 * roots**2 * (weights / 2).reshape(roots.shape)

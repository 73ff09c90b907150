"""Random operators whose results are choices and counts."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
from jax import Array

from virgil.engine.operators.aten import aten
from virgil.engine.xla.lowerings.random import exponential
from virgil.engine.xla.registry import draws

_FEW = 32  # categories up to which looking at all is quicker than a search


def _happens(key: Any, probability: Any, shape: tuple[int, ...]) -> Array:
    uniform = jax.random.uniform(key, shape, jnp.float64)
    is_below: Array = uniform < probability
    return is_below


@draws(aten.bernoulli.p, aten.bernoulli.Tensor)
def _bernoulli_like(key: Any, x: Array, p: Any = 0.5, *, generator: None = None) -> Array:
    return _happens(key, p, x.shape).astype(x.dtype)


@draws(aten.native_dropout.default)
def _native_dropout(key: Any, x: Array, p: float, train: bool | None) -> tuple[Array, Array]:
    if train is False:
        return x, jnp.ones(x.shape, bool)
    is_kept = jax.random.bernoulli(key, 1 - p, x.shape)
    return jnp.where(is_kept, x * (1 / (1 - p) if p < 1 else 0.0), 0), is_kept


@draws(aten.rrelu_with_noise_functional.default)
def _rrelu(
    key: Any,
    x: Array,
    noise: Array,
    lower: float = 0.125,
    upper: float = 1 / 3,
    training: bool = False,
    *,
    generator: None = None,
) -> tuple[Array, Array]:
    if not training:
        return jnp.where(x <= 0, x * ((lower + upper) / 2), x), noise
    slope = jnp.where(x <= 0, lower + (upper - lower) * jax.random.uniform(key, x.shape, x.dtype), 1)
    return x * slope, slope


@draws(aten.multinomial.default)
def _multinomial(key: Any, weights: Array, count: int, replacement: bool = False, *, generator: None = None) -> Array:
    """Without replacement, those of the earliest alarms, which ring at the weights as rates *(Efraimidis 2006)*."""
    if not replacement:
        alarms = exponential(key, weights.shape, jnp.float64) / weights
        return jnp.argsort(alarms, -1)[..., :count].astype(jnp.int64)
    cumulative = jnp.cumsum(weights.astype(jnp.float64), -1)
    batch = weights.shape[:-1]
    places = jax.random.uniform(key, (*batch, count), jnp.float64) * cumulative[..., -1:]
    if weights.shape[-1] <= _FEW:
        return (cumulative[..., None, :] <= places[..., None]).sum(-1)
    rows = cumulative.reshape(-1, weights.shape[-1]), places.reshape(-1, count)
    found = jax.vmap(lambda row, values: jnp.searchsorted(row, values, side="right"))(*rows)
    return found.reshape(*batch, count).astype(jnp.int64)


@draws(aten.poisson.default)
def _poisson(key: Any, rate: Array, *, generator: None = None) -> Array:
    drawn = jax.random.poisson(key, rate, dtype=jnp.int64).astype(rate.dtype)
    return jnp.where(jnp.isnan(rate), rate, drawn)


@draws(aten.binomial.default)
def _binomial(key: Any, count: Array, probability: Array, *, generator: None = None) -> Array:
    shape = jnp.broadcast_shapes(count.shape, probability.shape)
    return jax.random.binomial(key, count, probability, shape=shape, dtype=count.dtype)

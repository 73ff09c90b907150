"""Virgil's own random operators: distinct indices, and angles around zero."""

from __future__ import annotations

import math
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import torch
from jax import Array

from virgil.engine.xla.registry import draws
from virgil.ops import distinct_indices, von_mises  # noqa: F401 - they define the operators

_virgil = torch.ops.virgil


@draws(_virgil.distinct_indices.default)
def _distinct_indices(key: Any, size: int, count: int) -> Array:
    """A few more indices than are needed are drawn, and the first distinct ones of them taken.

    That all be drawn again where they were too few, which is hardly ever, keeps every subset equally likely, for
    nothing here tells one index from another but whether two are equal. Time does not depend on ``size``.
    """
    if 2 * count > size:
        return jax.random.permutation(key, size)[:count]
    drawn_at_once = _enough(size, count)
    places = jnp.arange(drawn_at_once)
    for_index, for_place = size.bit_length(), drawn_at_once.bit_length()

    def draw(tries: Any) -> Any:
        number, _, _ = tries
        drawn = jax.random.bits(jax.random.fold_in(key, number), places.shape, jnp.uint64) % size
        # sorted together with their places equal ones are neighbours, the earliest first
        by_index = jnp.sort(drawn.astype(jnp.int64) << for_place | places)
        index, place = by_index >> for_place, by_index & (1 << for_place) - 1
        is_first = jnp.concatenate([jnp.ones(1, bool), index[1:] != index[:-1]])
        by_place = jnp.sort(jnp.where(is_first, place, drawn_at_once) << for_index | index)
        return number + 1, is_first.sum() >= count, by_place[:count] & (1 << for_index) - 1

    tries = jnp.int64(0), jnp.bool_(count == 0), jnp.zeros(count, jnp.int64)
    taken: Array = jax.lax.while_loop(lambda tries: ~tries[1], draw, tries)[2]
    return taken


def _enough(size: int, count: int) -> int:
    """So many draws that hardly ever fewer than ``count`` are distinct: six deviations over the mean (coupons)."""
    waiting = size / (size - np.arange(count))  # for each next new one, a geometric variable
    return math.ceil(float(waiting.sum()) + 6 * math.sqrt(float((waiting * (waiting - 1)).sum())))


@draws(_virgil.von_mises.default)
def _von_mises(key: Any, concentration: Array) -> Array:
    """By rejection from a wrapped Cauchy distribution *(Best and Fisher 1979)*; NaN stays NaN."""
    k = jnp.maximum(concentration, 1e-10)
    tau = 1 + jnp.sqrt(1 + 4 * k**2)
    rho = (tau - jnp.sqrt(2 * tau)) / (2 * k)
    r = jnp.where(k < 1e-5, 1 / k + k, (1 + rho**2) / (2 * rho))

    def draw(tries: Any) -> Any:
        number, is_done, angle = tries
        u = jax.random.uniform(jax.random.fold_in(key, number), (3, *k.shape), k.dtype)
        z = jnp.cos(math.pi * u[0])
        cosine = (1 + r * z) / (r + z)
        c = k * (r - cosine)
        is_good = jnp.log(c / u[1]) + 1 - c >= 0
        drawn = jnp.sign(u[2] - 0.5) * jnp.arccos(jnp.clip(cosine, -1, 1))
        return number + 1, is_done | is_good, jnp.where(is_done, angle, drawn)

    tries = jnp.int64(0), jnp.isnan(k), jnp.full(k.shape, jnp.nan, k.dtype)
    angles: Array = jax.lax.while_loop(lambda tries: ~tries[1].all(), draw, tries)[2]
    return angles

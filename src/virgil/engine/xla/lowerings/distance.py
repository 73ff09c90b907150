"""Distances between points, and their derivatives.

Between x and y they are the p-norm of the difference, whose derivative is taken as zero where they coincide.
"""

from __future__ import annotations

from typing import Any

import jax.numpy as jnp
import numpy as np
from jax import Array

from virgil.engine.operators.aten import aten
from virgil.engine.xla.registry import lowers

__all__: list[str] = []


def _norm(difference: Array, p: float) -> Array:
    sizes = jnp.abs(difference)
    if p == 0:
        return (sizes != 0).astype(sizes.dtype).sum(-1)
    if p == float("inf"):
        return sizes.max(-1, initial=0.0)
    return jnp.sqrt((sizes**2).sum(-1)) if p == 2 else (sizes**p).sum(-1) ** (1 / p)


def _norm_derivative(difference: Array, norm: Array, p: float) -> Array:
    """The derivative of ``_norm`` by the difference."""
    sizes, signs, norm = jnp.abs(difference), jnp.sign(difference), norm[..., None]
    if p == 0:
        return jnp.zeros_like(difference)
    if p == 1:
        return signs
    if p == float("inf"):
        return jnp.where(sizes == norm, signs, 0)
    zero = (norm == 0) | (sizes == 0 if p < 2 else False)
    ratio = jnp.where(zero, 1, sizes / jnp.where(norm == 0, 1, norm))
    return jnp.where(zero, 0, signs * ratio ** (p - 1))


@lowers(aten._cdist_forward.default)
def _cdist(x: Array, y: Array, p: float, compute_mode: Any = None) -> Array:
    return _norm(x[..., :, None, :] - y[..., None, :, :], p)


@lowers(aten._cdist_backward.default)
def _cdist_backward(gradient: Array, x: Array, y: Array, p: float, distance: Array) -> Array:
    slope = _norm_derivative(x[..., :, None, :] - y[..., None, :, :], distance, p)
    each = (gradient[..., None] * slope).sum(-2)
    added = each.ndim - x.ndim
    spread = [axis for axis, size in enumerate(x.shape, added) if size == 1 != each.shape[axis]]
    return each.sum((*range(added), *spread)).reshape(x.shape)


@lowers(aten._pdist_forward.default)
def _pdist(x: Array, p: float = 2.0) -> Array:
    first, second = np.triu_indices(x.shape[0], 1)
    return _norm(x[first] - x[second], p)


@lowers(aten._pdist_backward.default)
def _pdist_backward(gradient: Array, x: Array, p: float, distance: Array) -> Array:
    first, second = np.triu_indices(x.shape[0], 1)
    each = gradient[:, None] * _norm_derivative(x[first] - x[second], distance, p)
    return jnp.zeros_like(x).at[first].add(each).at[second].add(-each)

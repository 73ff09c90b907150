"""Operators that draw random numbers; each takes a key first."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import jax
import jax.numpy as jnp
import torch

from virgil.engine.xla.arrays import DTYPES
from virgil.engine.xla.registry import draws, lowers

aten = torch.ops.aten


def _dtype(dtype: torch.dtype | None) -> Any:
    return DTYPES[dtype or torch.get_default_dtype()]


@draws(aten.randn.default)
def _randn(key: Any, size: Sequence[int], dtype: torch.dtype | None = None) -> Any:
    return jax.random.normal(key, tuple(size), _dtype(dtype))


@draws(aten.randn_like.default)
def _randn_like(key: Any, x: Any, dtype: torch.dtype | None = None) -> Any:
    return jax.random.normal(key, x.shape, x.dtype if dtype is None else DTYPES[dtype])


@draws(aten.normal_functional.default)
def _normal_functional(key: Any, x: Any, mean: float = 0.0, std: float = 1.0, generator: None = None) -> Any:
    return mean + std * jax.random.normal(key, x.shape, x.dtype)


@draws(aten.normal.Tensor_Tensor, aten.normal.Tensor_float, aten.normal.float_Tensor)
def _normal(key: Any, mean: Any, std: Any = 1.0, generator: None = None) -> Any:
    shape = jnp.broadcast_shapes(jnp.shape(mean), jnp.shape(std))
    dtype = mean.dtype if hasattr(mean, "dtype") else std.dtype
    return mean + std * jax.random.normal(key, shape, dtype)


@draws(aten.rand.default)
def _rand(key: Any, size: Sequence[int], dtype: torch.dtype | None = None) -> Any:
    return jax.random.uniform(key, tuple(size), _dtype(dtype))


@draws(aten.rand_like.default)
def _rand_like(key: Any, x: Any, dtype: torch.dtype | None = None) -> Any:
    return jax.random.uniform(key, x.shape, x.dtype if dtype is None else DTYPES[dtype])


@draws(aten.uniform.default)
def _uniform(key: Any, x: Any, low: float = 0.0, high: float = 1.0, generator: None = None) -> Any:
    return jax.random.uniform(key, x.shape, x.dtype, low, high)


@draws(aten.exponential.default)
def _exponential(key: Any, x: Any, rate: float = 1.0, generator: None = None) -> Any:
    return jax.random.exponential(key, x.shape, x.dtype) / jnp.asarray(rate, x.dtype)


@draws(aten.randint.low)
def _randint(key: Any, low: int, high: int, size: Sequence[int], dtype: torch.dtype = torch.int64) -> Any:
    return jax.random.randint(key, tuple(size), low, high, jnp.int64).astype(DTYPES[dtype])


@draws(aten.randint.default)
def _randint_below(key: Any, high: int, size: Sequence[int], dtype: torch.dtype = torch.int64) -> Any:
    return _randint(key, 0, high, size, dtype)


@draws(aten.randperm.default)
def _randperm(key: Any, n: int, dtype: torch.dtype = torch.int64) -> Any:
    return jax.random.permutation(key, n).astype(DTYPES[dtype])


@draws(aten.bernoulli.default)
def _bernoulli(key: Any, probs: Any, generator: None = None) -> Any:
    return jax.random.bernoulli(key, probs).astype(probs.dtype)


@draws(aten.bernoulli.p)
def _bernoulli_p(key: Any, x: Any, p: float = 0.5, generator: None = None) -> Any:
    return jax.random.bernoulli(key, p, x.shape).astype(x.dtype)


@draws(aten.bernoulli.Tensor)
def _bernoulli_of(key: Any, x: Any, probs: Any, generator: None = None) -> Any:
    return jax.random.bernoulli(key, probs, x.shape).astype(x.dtype)


@draws(aten.native_dropout.default)
def _native_dropout(key: Any, x: Any, p: float, train: bool | None = None) -> tuple[Any, Any]:
    if train is False or p == 0:
        return x, jnp.ones(x.shape, jnp.bool_)
    kept = jax.random.bernoulli(key, 1 - p, x.shape)
    scale = 0.0 if p == 1 else 1 / (1 - p)
    return jnp.where(kept, x * jnp.asarray(scale, x.dtype), 0), kept


@draws(aten.multinomial.default)
def _multinomial(key: Any, weights: Any, count: int, replacement: bool = False, generator: None = None) -> Any:
    """Without replacement the largest of perturbed logarithms, in their order *(Yellott 1977)*."""
    logits = jnp.log(weights)
    if replacement:
        return jax.random.categorical(key, logits[..., None, :], shape=(*logits.shape[:-1], count)).astype(jnp.int64)
    perturbed = logits + jax.random.gumbel(key, logits.shape, logits.dtype)
    return jnp.argsort(perturbed, -1, descending=True)[..., :count].astype(jnp.int64)


@draws(aten.poisson.default)
def _poisson(key: Any, rate: Any, generator: None = None) -> Any:
    return jax.random.poisson(key, rate, dtype=jnp.int64).astype(rate.dtype)


@draws(aten.binomial.default)
def _binomial(key: Any, count: Any, prob: Any, generator: None = None) -> Any:
    return jax.random.binomial(key, count, prob, dtype=count.dtype)


@draws(aten._standard_gamma.default)
def _standard_gamma(key: Any, concentration: Any, generator: None = None) -> Any:
    return jax.random.gamma(key, concentration, dtype=concentration.dtype)


@lowers(aten._standard_gamma_grad.default)
def _standard_gamma_grad(concentration: Any, value: Any) -> Any:
    return jax.lax.random_gamma_grad(concentration, value)


@draws(aten._sample_dirichlet.default)
def _sample_dirichlet(key: Any, concentration: Any, generator: None = None) -> Any:
    logs = jax.random.loggamma(key, concentration, dtype=concentration.dtype)
    return jax.nn.softmax(logs, -1)


@lowers(aten._dirichlet_grad.default)
def _dirichlet_grad(value: Any, concentration: Any, total: Any) -> Any:
    """How a coordinate, whose law is a beta distribution, moves with its concentration *(Figurnov et al. 2018)*.

    The coordinate is ``g / (g + h)`` for gamma variables ``g`` and ``h``; with ``g + h``, which is independent of it,
    held at its mean the derivative is that of the quantile.
    """
    x, a, b = (each.astype(jnp.float64) for each in (value, concentration, total - concentration))
    step = 1e-5 * a
    slope = (jax.scipy.special.betainc(a + step, b, x) - jax.scipy.special.betainc(a - step, b, x)) / (2 * step)
    log_density = (
        jax.lax.lgamma(a + b) - jax.lax.lgamma(a) - jax.lax.lgamma(b) + (a - 1) * jnp.log(x) + (b - 1) * jnp.log1p(-x)
    )
    return (-slope / jnp.exp(log_density) / (1 - x)).astype(value.dtype)

"""Kullback-Leibler divergences between pairs of families, in nats: torch's registry, and Virgil's entries in it.

They are exact, so a term of the evidence lower bound that is one of them has no Monte Carlo noise.
"""

from __future__ import annotations

from typing import cast

import torch
from torch import Tensor
from torch import distributions as td
from torch.distributions import kl_divergence, register_kl

from virgil.distributions.composed.delta import Delta
from virgil.distributions.core.shape_algebra import Independent, MaskedDistribution
from virgil.distributions.util import sum_rightmost

__all__ = ["kl_divergence", "register_kl"]


@register_kl(Delta, MaskedDistribution)  # type: ignore[untyped-decorator]
@register_kl(Delta, td.Distribution)  # type: ignore[untyped-decorator]
def _kl_delta(p: Delta, q: td.Distribution) -> Tensor:
    """The log-density that the point carries, less that of ``q`` at the point."""
    return p.log_density - q.log_prob(p.v)


@register_kl(Independent, Independent)  # type: ignore[untyped-decorator]
def _kl_independent_independent(p: Independent, q: Independent) -> Tensor:
    """The sum over the event dims that both have moved; the rest is left to the inner pair."""
    shared = min(p.reinterpreted_batch_ndims, q.reinterpreted_batch_ndims)
    inner = kl_divergence(_strip(p, shared), _strip(q, shared))
    return cast(Tensor, sum_rightmost(inner, shared))


def _strip(fn: Independent, count: int) -> td.Distribution:
    rest = fn.reinterpreted_batch_ndims - count
    return Independent(fn.base_dist, rest) if rest else fn.base_dist


@register_kl(MaskedDistribution, MaskedDistribution)  # type: ignore[untyped-decorator]
def _kl_masked_masked(p: MaskedDistribution, q: MaskedDistribution) -> Tensor:
    return _masked(p.base_dist, p._mask, q.base_dist, q._mask)


@register_kl(MaskedDistribution, td.Distribution)  # type: ignore[untyped-decorator]
def _kl_masked_any(p: MaskedDistribution, q: td.Distribution) -> Tensor:
    return _masked(p.base_dist, p._mask, q, True)


@register_kl(td.Distribution, MaskedDistribution)  # type: ignore[untyped-decorator]
def _kl_any_masked(p: td.Distribution, q: MaskedDistribution) -> Tensor:
    return _masked(p, True, q.base_dist, q._mask)


def _masked(p: td.Distribution, p_mask: bool | Tensor, q: td.Distribution, q_mask: bool | Tensor) -> Tensor:
    """The mean under ``p`` of ``p_mask * log p - q_mask * log q``; with one mask, that mask times KL(p, q)."""
    divergence = kl_divergence(p, q)
    if p_mask is not q_mask and not _same(p_mask, q_mask):
        # where only one of the two is on: minus the entropy of p, or the cross entropy
        negative_entropy = -p.entropy()
        cross_entropy = divergence - negative_entropy
        return _where(p_mask, negative_entropy) + _where(q_mask, cross_entropy)
    return _where(p_mask, divergence)


def _same(first: bool | Tensor, second: bool | Tensor) -> bool:
    if isinstance(first, Tensor) and isinstance(second, Tensor):
        return torch.equal(first, second)
    return first is second


def _where(mask: bool | Tensor, value: Tensor) -> Tensor:
    if isinstance(mask, bool):
        return value if mask else torch.zeros_like(value)
    return torch.where(mask, value, 0.0)


@register_kl(Independent, td.MultivariateNormal)  # type: ignore[untyped-decorator]
def _kl_independent_multivariate(p: Independent, q: td.MultivariateNormal) -> Tensor:
    return kl_divergence(_with_full_covariance(p), q)


@register_kl(td.MultivariateNormal, Independent)  # type: ignore[untyped-decorator]
def _kl_multivariate_independent(p: td.MultivariateNormal, q: Independent) -> Tensor:
    return kl_divergence(p, _with_full_covariance(q))


def _with_full_covariance(fn: Independent) -> td.MultivariateNormal:
    """A vector of independent normals as a multivariate normal: mean-field guide against full prior, or back."""
    base = fn.base_dist
    if not isinstance(base, td.Normal) or fn.reinterpreted_batch_ndims != 1:
        raise NotImplementedError(f"No divergence is known between {fn} and a multivariate normal distribution.")
    return td.MultivariateNormal(base.loc, scale_tril=base.scale.diag_embed(), validate_args=False)

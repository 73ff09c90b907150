"""Divergences in closed form at the edges of their parameters."""

from __future__ import annotations

import mpmath as mp
import torch

import virgil.distributions as dist
from tests.laws.edges import LOGITS, POSITIVE, PROBS, Cross, Divergence
from tests.laws.exact_formulas import (
    cont_bernoulli,
    cont_bernoulli_mean,
    kl_bernoulli,
    kl_beta,
    kl_cont_bernoulli,
    kl_gamma,
    kl_gumbel,
    kl_normal,
    sigmoid,
)


def _pair(first, second):
    return torch.stack([torch.as_tensor(first), torch.as_tensor(second)], -1)


BIG = (1e-3, 0.5, 3.0, 1e3, 1e6)
WIDE = (1e-22, 1e-6, 1.0, 1.001, 1e6)

DIVERGENCES = {
    "Bernoulli": Divergence(dist.Bernoulli, kl_bernoulli, (PROBS,), (PROBS,)),
    "Bernoulli(logits)": Divergence(
        lambda x: dist.Bernoulli(logits=x), lambda x, y: kl_bernoulli(sigmoid(x), sigmoid(y)), (LOGITS,), (LOGITS,)
    ),
    "Beta": Divergence(dist.Beta, kl_beta, (BIG, BIG), ((0.5, 1e6), (3.0, 1e3))),
    "Binomial": Divergence(
        lambda p: dist.Binomial(1000, p), lambda p, q: 1000 * kl_bernoulli(p, q), (PROBS,), (PROBS,)
    ),
    "Categorical": Divergence(
        lambda x: dist.Categorical(logits=_pair(x, 0.0)),
        lambda x, y: kl_bernoulli(sigmoid(x), sigmoid(y)),
        (LOGITS,),
        (LOGITS,),
    ),
    "Cauchy": Divergence(
        dist.Cauchy,
        lambda m, s, n, t: mp.log(((s + t) ** 2 + (m - n) ** 2) / (4 * s * t)),
        ((0.0, 1e10), (1e-20, 1.0, 1e20)),
        ((0.0, 1.0), (1e-20, 1.0, 1e20)),
    ),
    "ContinuousBernoulli": Divergence(
        lambda x: dist.ContinuousBernoulli(logits=x),
        kl_cont_bernoulli,
        ((-80.0, -3.0, -1e-3, 0.0, 1e-6, 0.02, 12.0, 50.0),),
        ((-80.0, -3.0, 1e-3, 0.5, 50.0),),
    ),
    "Dirichlet": Divergence(lambda a, b: dist.Dirichlet(_pair(a, b)), kl_beta, (BIG, BIG), ((0.5, 1e6), (3.0, 1e3))),
    "Exponential": Divergence(
        dist.Exponential, lambda r, s: mp.log(r) - mp.log(s) + s / r - 1, (POSITIVE,), (POSITIVE,)
    ),
    "Gamma": Divergence(dist.Gamma, kl_gamma, (BIG, (1e-6, 1.0, 1e6)), (BIG, (1e-6, 1.0, 1.001, 1e6))),
    "Geometric": Divergence(dist.Geometric, lambda p, q: kl_bernoulli(p, q) / p, (PROBS,), (PROBS,)),
    "Gumbel": Divergence(dist.Gumbel, kl_gumbel, ((0.0, 30.0), (1e-6, 1.0, 10.0)), ((0.0, 29.0), (1.0, 10.0, 1e6))),
    "HalfNormal": Divergence(dist.HalfNormal, lambda s, t: kl_normal(0, s, 0, t), (WIDE,), (WIDE,)),
    "InverseGamma": Divergence(dist.InverseGamma, kl_gamma, (BIG, (1e-6, 1.0)), (BIG, (1.0, 1.001, 1e6))),
    "Laplace": Divergence(
        dist.Laplace,
        lambda m, s, n, t: mp.log(t) - mp.log(s) + (abs(m - n) + s * mp.exp(-abs(m - n) / s)) / t - 1,
        ((0.0, 30.0), WIDE),
        ((1.0, -1e6), WIDE),
    ),
    "LogNormal": Divergence(dist.LogNormal, kl_normal, ((0.0, 30.0), (1e-6, 1.0)), ((1.0,), (1.0, 1e6))),
    "Normal": Divergence(dist.Normal, kl_normal, ((0.0, 30.0), WIDE), ((1.0, -1e6), WIDE)),
    "Pareto": Divergence(
        dist.Pareto,
        lambda s, a, t, b: mp.log(a) - mp.log(b) + b * (mp.log(s) - mp.log(t)) + b / a - 1 if s >= t else mp.inf,
        ((1.0, 1e6), (1e-3, 1.0, 1e6)),
        ((1e-6, 0.999), (1e-3, 1.0, 1e6)),
    ),
    "Poisson": Divergence(
        dist.Poisson,
        lambda r, s: r * (mp.log(r) - mp.log(s)) - r + s,
        ((1e-30, 1e-3, 1.0, 1e6),),
        ((1e-30, 1e-3, 1.0, 1e6, 1.001e6),),
    ),
    "ContinuousBernoulli, Uniform": Cross(
        lambda x, a, b: dist.kl_divergence(dist.ContinuousBernoulli(logits=x), dist.Uniform(a, b)),
        lambda x, a, b: mp.log(b - a) + cont_bernoulli_mean(x) * x + cont_bernoulli(0, x),
        ((-50.0, -1e-3, 0.0, 0.02, 12.0), (-1.0, 0.0), (1.0, 1e6)),
    ),
    "Uniform, ContinuousBernoulli": Cross(
        lambda a, b, x: dist.kl_divergence(dist.Uniform(a, b), dist.ContinuousBernoulli(logits=x)),
        lambda a, b, x: -mp.log(b - a) - x * (a + b) / 2 - cont_bernoulli(0, x),
        ((0.0, 1e-20, 0.25), (0.5, 1.0), (-50.0, -1e-3, 0.0, 0.02, 12.0)),
    ),
    "Gamma, Exponential": Cross(
        lambda a, r, s: dist.kl_divergence(dist.Gamma(a, r), dist.Exponential(s)),
        lambda a, r, s: kl_gamma(a, r, mp.mpf(1), s),
        (BIG, (1e-3, 1.0, 1e3), (1e-3, 1.0)),
    ),
    "Beta, Uniform": Cross(
        lambda a, b: dist.kl_divergence(dist.Beta(a, b), dist.Uniform(torch.zeros(()), 1.0)),
        lambda a, b: kl_beta(a, b, mp.mpf(1), mp.mpf(1)),
        (BIG, BIG),
    ),
    "Uniform": Divergence(
        dist.Uniform,
        lambda a, b, c, d: mp.log(d - c) - mp.log(b - a),
        ((0.0,), (1e-20, 1.0)),
        ((-1e6, 0.0), (1.0, 1e20)),
    ),
}

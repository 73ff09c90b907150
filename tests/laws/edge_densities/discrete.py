"""Families of counts and labels."""

import mpmath as mp
import numpy as np
import torch

import virgil.distributions as dist
from tests.laws.edges import LOGITS, PROBS, Edge, Pair, counts_near
from tests.laws.exact_formulas import binomial, choose, log_beta, log_odds, logs, negative, ordered_logistic, softplus


def _log_normal_negative(k, r, logit, s):
    """By the quadrature that defines it, with eight points."""
    points = zip(*np.polynomial.hermite_e.hermegauss(8), strict=True)
    total = sum(mp.mpf(w) * mp.exp(negative(k, r, logit + s * mp.mpf(x))) for x, w in points)
    return mp.log(total / mp.sqrt(2 * mp.pi))


EDGES = {
    "Bernoulli": Edge(
        dist.Bernoulli, lambda x, p: logs(x, mp.log(p)) + logs(1 - x, mp.log1p(-p)), {"probs": PROBS, "x": (0.0, 1.0)}
    ),
    "Bernoulli(logits)": Edge(
        lambda logits: dist.Bernoulli(logits=logits),
        lambda x, logit: -logs(x, softplus(-logit)) - logs(1 - x, softplus(logit)),
        {"logits": LOGITS, "x": (0.0, 1.0)},
    ),
    "BetaBinomial": Edge(
        dist.BetaBinomial,
        lambda k, a, b, n: choose(n, k) + log_beta(k + a, n - k + b) - log_beta(a, b),
        {
            "concentration1": (1e-3, 1.0, 1e3, 1e6),
            "concentration0": (1e-3, 1.0, 1e6),
            "total_count": (1.0, 10.0, 1e6),
            "x": lambda a, b, n: {0.0, 1.0, float(round(n * a / (a + b))), n},
        },
    ),
    "Binomial": Edge(
        lambda total_count, probs: dist.Binomial(total_count, probs),
        lambda k, n, p: binomial(k, n, log_odds(p)),
        {"total_count": (1.0, 10.0, 1e6), "probs": PROBS, "x": lambda n, p: {0.0, 1.0, float(round(n * p)), n}},
    ),
    "Binomial(logits)": Edge(
        lambda total_count, logits: dist.Binomial(total_count, logits=logits),
        binomial,
        {"total_count": (1.0, 10.0, 1e6), "logits": LOGITS, "x": lambda n, p: {0.0, 1.0, float(round(n / 3)), n}},
    ),
    "DiscreteUniform": Edge(
        dist.DiscreteUniform,
        lambda k, low, high: -mp.log(high - low + 1),
        {"low": (-5.0, 0.0), "high": (0.0, 1e6), "x": (0.0,)},
    ),
    "GammaPoisson": Edge(
        dist.GammaPoisson,
        lambda k, a, rate: negative(k, a, -mp.log(rate)),
        {
            "concentration": (1e-3, 1.0, 1e3, 1e6, 1e10),
            "rate": (1e-6, 1e-3, 1.0, 1e6),
            "x": lambda a, r: counts_near(a / r, (a / r**2 * (1 + r)) ** 0.5),
        },
    ),
    "Geometric": Edge(
        dist.Geometric,
        lambda k, p: mp.log(p) + logs(k, mp.log1p(-p)),
        {"probs": PROBS, "x": (0.0, 1.0, 1e6)},
    ),
    "Geometric(logits)": Edge(
        lambda logits: dist.Geometric(logits=logits),
        lambda k, logit: -softplus(-logit) - logs(k, softplus(logit)),
        {"logits": LOGITS, "x": (0.0, 1.0, 1e6)},
    ),
    "HyperGeometric": Edge(
        dist.HyperGeometric,
        lambda k, total, good, n: choose(good, k) + choose(total - good, n - k) - choose(total, n),
        {
            "population_count": (50.0, 1e6),
            "success_count": (1.0, 20.0),
            "draw_count": (0.0, 10.0, 30.0),
            "x": lambda total, good, n: {0.0, min(good, n)},
        },
    ),
    "LogNormalNegativeBinomial": Edge(
        dist.LogNormalNegativeBinomial,
        _log_normal_negative,
        {
            "total_count": (1e-3, 1.0, 1e6),
            "logits": (-30.0, 0.0, 10.0),
            "multiplicative_noise_scale": (1e-3, 0.3, 2.0),
            "x": (0.0, 1.0, 1000.0),
        },
    ),
    "NegativeBinomial": Edge(
        lambda total_count, logits: dist.NegativeBinomial(total_count, logits=logits),
        negative,
        {
            "total_count": (1e-3, 1.0, 1e3, 1e6, 1e10),
            "logits": (-30.0, -5.0, 0.0, 10.0, 60.0),
            "x": lambda r, logit: counts_near(r * float(mp.exp(logit)), (r * float(mp.exp(logit))) ** 0.5),
        },
    ),
    "NegativeBinomial(probs)": Edge(
        lambda total_count, probs: dist.NegativeBinomial(total_count, probs),
        lambda k, r, p: negative(k, r, log_odds(p)),
        {"total_count": (1e-3, 1.0, 1e6), "probs": PROBS, "x": (0.0, 1.0, 1000.0)},
    ),
    "OrderedLogistic": Edge(
        lambda predictor, low, high: dist.OrderedLogistic(predictor, torch.stack([low, high])),
        ordered_logistic,
        {"predictor": (-30.0, 0.0, 5.0), "low": (-60.0, -1.0, 0.0), "high": (1e-3, 1.0, 60.0), "x": (0.0, 1.0, 2.0)},
    ),
    "Poisson": Edge(
        dist.Poisson,
        lambda k, rate: logs(k, mp.log(rate)) - rate - mp.loggamma(k + 1),
        {"rate": (1e-30, 1e-3, 1.0, 1e3, 1e6, 1e7), "x": lambda r: counts_near(r, r**0.5)},
    ),
    "DirichletMultinomial": Edge(
        lambda a, b: Pair(dist.DirichletMultinomial(torch.stack([a, b]), 2**20), 2.0**20),
        lambda k, a, b: choose(mp.mpf(2) ** 20, k) + log_beta(k + a, 2**20 - k + b) - log_beta(a, b),
        {"a": (1e-3, 1.0, 1e3, 1e6), "b": (1e-3, 1.0, 1e6), "x": (0.0, 1.0, 2.0**18, 2.0**20)},
    ),
    "Multinomial": Edge(
        lambda a, b: Pair(dist.Multinomial(2**20, torch.stack([a, b])), 2.0**20),
        lambda k, a, b: binomial(k, mp.mpf(2) ** 20, mp.log(a) - mp.log(b)),
        {"a": (1e-6, 0.2, 1.0), "b": (0.1, 3.0), "x": (0.0, 1.0, 2.0**18, 2.0**20)},
    ),
    "Multinomial(logits)": Edge(
        lambda a, b: Pair(dist.Multinomial(2**10, logits=torch.stack([a, b])), 2.0**10),
        lambda k, a, b: binomial(k, mp.mpf(2) ** 10, a - b),
        {"a": (-200.0, 0.5), "b": (0.0, 1.0), "x": (0.0, 1.0, 2.0**8, 2.0**10)},
    ),
    "Categorical": Edge(
        lambda a, b: Pair(dist.OneHotCategorical(torch.stack([a, b])), 1.0),
        lambda x, a, b: mp.log(a if x else b) - mp.log(a + b),
        {"a": (1e-6, 1e-3, 0.2, 1.0), "b": (0.1, 3.0), "x": (0.0, 1.0)},  # of labels, not below eps
    ),
    "Skellam": Edge(
        dist.Skellam,
        lambda k, a, b: -a - b + k / 2 * mp.log(a / b) + mp.log(mp.besseli(abs(k), 2 * mp.sqrt(a * b))),
        {
            "rate1": (1e-6, 1.0, 30.0, 1e4),
            "rate2": (1e-6, 3.0, 1e4),
            "x": lambda a, b: {0.0, 1.0, -3.0, 100.0, float(round(a - b)), float(round(a - b + (a + b) ** 0.5))},
        },
    ),
}

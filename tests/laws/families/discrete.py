"""Families of counts and labels."""

import math

import torch
from scipy import stats

import virgil.distributions as dist
from tests.laws.families.row import COUNTS, EYE, LOCS, PROBS, RATES, SHAPES, TRIPLES, WEIGHTS, Row, numbers

DISCRETE = {
    "Bernoulli": Row(dist.Bernoulli, {"probs": PROBS}, stats.bernoulli, COUNTS[:2]),
    "Bernoulli(logits)": Row(
        lambda logits: dist.Bernoulli(logits=logits),
        {"logits": LOCS},
        lambda x: stats.bernoulli(1 / (1 + math.exp(-x))),
        COUNTS[:2],
    ),
    "BetaBinomial": Row(
        lambda a, b: dist.BetaBinomial(a, b, 6),
        {"a": SHAPES, "b": RATES},
        lambda a, b: stats.betabinom(6, a, b),
        COUNTS[:7],
    ),
    "Binomial": Row(lambda probs: dist.Binomial(6, probs), {"probs": PROBS}, lambda p: stats.binom(6, p), COUNTS[:7]),
    "Categorical": Row(dist.Categorical, {"probs": WEIGHTS}, values=torch.arange(3), moments=False),
    "Categorical(logits)": Row(
        lambda logits: dist.Categorical(logits=logits),
        {"logits": numbers([0.1, -2.0, 1.0], [3.0, 0.5, 0.2])},
        values=torch.arange(3),
        moments=False,
    ),
    "DirichletMultinomial": Row(
        lambda concentration: dist.DirichletMultinomial(concentration, 3),
        {"concentration": numbers([0.6, 2.0, 3.1], [4.0, 1.5, 2.2])},
        values=TRIPLES[TRIPLES.sum(-1) == 3],
    ),
    "DiscreteUniform": Row(
        lambda low: dist.DiscreteUniform(low, low + 4),
        {"low": numbers(2.0, 2.0)},
        lambda low: stats.randint(low, low + 5),
        COUNTS[2:7],
    ),
    "ExtendedBetaBinomial": Row(
        lambda a, b: dist.ExtendedBetaBinomial(a, b, 6),
        {"a": SHAPES, "b": RATES},
        lambda a, b: stats.betabinom(6, a, b),
        COUNTS[:7],
    ),
    "ExtendedBinomial": Row(
        lambda probs: dist.ExtendedBinomial(6, probs), {"probs": PROBS}, lambda p: stats.binom(6, p), COUNTS[:7]
    ),
    "GammaPoisson": Row(
        dist.GammaPoisson,
        {"concentration": SHAPES, "rate": RATES},
        lambda a, rate: stats.nbinom(a, rate / (1 + rate)),
        COUNTS,
    ),
    "Geometric": Row(dist.Geometric, {"probs": PROBS}, lambda p: stats.geom(p, loc=-1), COUNTS),
    "HyperGeometric": Row(
        dist.HyperGeometric,
        {"population_count": numbers(20, 50), "success_count": numbers(7, 30), "draw_count": numbers(7, 7)},
        lambda total, successes, draws: stats.hypergeom(int(total), int(successes), int(draws)),
        COUNTS[:8],
    ),
    "LogNormalNegativeBinomial": Row(
        lambda total_count, logits, scale: dist.LogNormalNegativeBinomial(
            total_count, logits, scale, num_quad_points=16
        ),
        {"total_count": SHAPES, "logits": LOCS, "scale": numbers(0.3, 0.2)},
        values=COUNTS,
    ),
    "Multinomial": Row(
        lambda probs: dist.Multinomial(3, probs), {"probs": WEIGHTS}, values=TRIPLES[TRIPLES.sum(-1) == 3]
    ),
    "NegativeBinomial": Row(
        dist.NegativeBinomial,
        {"total_count": SHAPES, "probs": numbers(0.3, 0.7)},
        lambda n, p: stats.nbinom(n, 1 - p),
        COUNTS,
    ),
    "OneHotCategorical": Row(dist.OneHotCategorical, {"probs": WEIGHTS}, values=EYE),
    "OneHotCategoricalStraightThrough": Row(
        dist.OneHotCategoricalStraightThrough, {"probs": WEIGHTS}, values=EYE, pathwise=False
    ),
    "OrderedLogistic": Row(
        dist.OrderedLogistic,
        {"predictor": LOCS, "cutpoints": numbers([-0.5, 0.8], [-2.0, 0.1])},
        values=torch.arange(3),
        moments=False,
    ),
    "Poisson": Row(dist.Poisson, {"rate": RATES}, stats.poisson, COUNTS),
    "Skellam": Row(
        dist.Skellam, {"rate1": RATES, "rate2": numbers(1.4, 0.7)}, stats.skellam, torch.arange(-60.0, 60.0).double()
    ),
}

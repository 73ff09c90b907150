"""Families of one real number."""

import math

import torch
from scipy import stats

import virgil.distributions as dist
from tests.laws.families.row import LOCS, PROBS, RATES, SCALES, SHAPES, WEIGHTS, Row, numbers

STABLE = {"stability": numbers(1.7, 0.8), "skew": numbers(0.3, -0.6), "scale": SCALES, "loc": LOCS}


UNNORMALISED = {
    # integrals themselves, of which a test of their own takes one
    "Stable": Row(dist.Stable, STABLE, moments=False),
    "StableWithLogProb": Row(dist.StableWithLogProb, STABLE, moments=False),
    # with a mass at zero
    "Tweedie": Row(
        dist.Tweedie, {"mean": numbers(1.5, 3.0), "dispersion": numbers(0.8, 0.5), "power": numbers(1.3, 1.6)}
    ),
}


CONTINUOUS = {
    "AffineBeta": Row(
        dist.AffineBeta,
        {"concentration1": SHAPES, "concentration0": numbers(2.5, 1.6), "loc": LOCS, "scale": SCALES},
        lambda a, b, loc, scale: stats.beta(a, b, loc, scale),
    ),
    "AsymmetricLaplace": Row(
        dist.AsymmetricLaplace,
        {"loc": LOCS, "scale": SCALES, "asymmetry": numbers(1.5, 0.6)},
        lambda loc, scale, asymmetry: stats.laplace_asymmetric(asymmetry, loc, scale),
    ),
    "Beta": Row(
        dist.Beta,
        {"concentration1": SHAPES, "concentration0": numbers(2.5, 1.6)},
        stats.beta,
    ),
    "BetaProportion": Row(
        dist.BetaProportion,
        {"mean": numbers(0.4, 0.7), "concentration": numbers(4.0, 6.5)},
        lambda mean, concentration: stats.beta(mean * concentration, (1 - mean) * concentration),
    ),
    "Cauchy": Row(dist.Cauchy, {"loc": LOCS, "scale": SCALES}, stats.cauchy, moments=False),
    "Chi2": Row(dist.Chi2, {"df": numbers(3.5, 6.0)}, stats.chi2),
    "ContinuousBernoulli": Row(dist.ContinuousBernoulli, {"probs": numbers(0.2, 0.9)}),
    "ExGaussian": Row(
        dist.ExGaussian,
        {"loc": LOCS, "scale": SCALES, "rate": RATES},
        lambda loc, scale, rate: stats.exponnorm(1 / (scale * rate), loc, scale),
        pathwise=False,
    ),
    "Exponential": Row(dist.Exponential, {"rate": RATES}, lambda rate: stats.expon(scale=1 / rate)),
    "FisherSnedecor": Row(
        dist.FisherSnedecor, {"df1": numbers(5.0, 8.0), "df2": numbers(14.0, 20.0)}, stats.f, pathwise=False
    ),
    "Gamma": Row(
        dist.Gamma,
        {"concentration": SHAPES, "rate": RATES},
        lambda a, rate: stats.gamma(a, scale=1 / rate),
    ),
    "GeneralizedPareto": Row(
        dist.GeneralizedPareto,
        {"loc": numbers(0.5, 0.5), "scale": SCALES, "concentration": numbers(0.1, 0.05)},
        lambda loc, scale, c: stats.genpareto(c, loc, scale),
    ),
    "Gumbel": Row(dist.Gumbel, {"loc": LOCS, "scale": SCALES}, stats.gumbel_r),
    "HalfCauchy": Row(
        dist.HalfCauchy, {"scale": SCALES}, lambda scale: stats.halfcauchy(scale=scale), moments=False, pathwise=False
    ),
    "HalfNormal": Row(dist.HalfNormal, {"scale": SCALES}, lambda scale: stats.halfnorm(scale=scale)),
    "InverseGamma": Row(
        dist.InverseGamma,
        {"concentration": numbers(7.0, 9.5), "rate": RATES},
        lambda a, rate: stats.invgamma(a, scale=rate),
    ),
    "InverseGaussian": Row(
        dist.InverseGaussian,
        {"loc": numbers(0.7, 1.6), "concentration": numbers(5.0, 9.5)},
        lambda loc, concentration: stats.invgauss(loc / concentration, scale=concentration),
    ),
    "Kumaraswamy": Row(dist.Kumaraswamy, {"concentration1": SHAPES, "concentration0": numbers(2.5, 1.6)}),
    "Laplace": Row(dist.Laplace, {"loc": LOCS, "scale": SCALES}, stats.laplace),
    "LogNormal": Row(
        dist.LogNormal, {"loc": LOCS, "scale": numbers(0.2, 0.4)}, lambda m, s: stats.lognorm(s, scale=math.exp(m))
    ),
    "Logistic": Row(dist.Logistic, {"loc": LOCS, "scale": SCALES}, stats.logistic),
    "NanMaskedNormal": Row(dist.NanMaskedNormal, {"loc": LOCS, "scale": SCALES}, stats.norm),
    "Normal": Row(dist.Normal, {"loc": LOCS, "scale": SCALES}, stats.norm),
    "NormalMixture": Row(
        dist.NormalMixture,
        {
            "loc": numbers([-2.0, 0.0, 1.5], [0.0, 1.0, 2.0]),
            "scale": numbers([0.5, 1.0, 0.7], [1.0, 0.2, 3.0]),
            "probs": WEIGHTS,
        },
    ),
    "NormalMixture(logits)": Row(
        lambda loc, logits: dist.NormalMixture(loc, 0.7, logits=logits),
        {"loc": numbers([-2.0, 0.0, 1.5], [0.0, 1.0, 2.0]), "logits": numbers([0.1, -2.0, 1.0], [3.0, 0.5, 0.2])},
    ),
    "Pareto": Row(
        dist.Pareto, {"scale": SCALES, "alpha": numbers(11.0, 14.0)}, lambda scale, a: stats.pareto(a, scale=scale)
    ),
    "RelaxedBernoulli": Row(
        dist.RelaxedBernoulli,
        {"temperature": numbers(0.7, 1.3), "probs": PROBS},
        moments=False,
    ),
    "RelaxedBernoulliStraightThrough": Row(
        dist.RelaxedBernoulliStraightThrough,
        {"temperature": numbers(0.7, 1.3), "probs": PROBS},
        moments=False,
        pathwise=False,
    ),
    "SkewLogistic": Row(
        dist.SkewLogistic,
        {"loc": LOCS, "scale": SCALES, "asymmetry": numbers(2.5, 0.6)},
        lambda loc, scale, asymmetry: stats.genlogistic(asymmetry, loc, scale),
    ),
    "SoftAsymmetricLaplace": Row(
        dist.SoftAsymmetricLaplace,
        {"loc": LOCS, "scale": SCALES, "asymmetry": numbers(1.5, 0.6), "softness": numbers(0.4, 1.2)},
    ),
    "SoftLaplace": Row(dist.SoftLaplace, {"loc": LOCS, "scale": SCALES}, stats.hypsecant),
    "StudentT": Row(dist.StudentT, {"df": numbers(11.0, 16.0), "loc": LOCS, "scale": SCALES}, stats.t, pathwise=False),
    "TruncatedCauchy": Row(
        dist.TruncatedCauchy, {"loc": LOCS, "scale": SCALES, "low": numbers(-0.5, -3.0), "high": numbers(1.5, 0.4)}
    ),
    "TruncatedCauchy(low)": Row(
        lambda loc, scale, low: dist.TruncatedCauchy(loc, scale, low),
        {"loc": LOCS, "scale": SCALES, "low": numbers(0.5, -3.0)},
        moments=False,
    ),
    "TruncatedNormal": Row(
        dist.TruncatedNormal,
        {"loc": LOCS, "scale": SCALES, "low": numbers(-0.5, -3.0), "high": numbers(1.5, 0.4)},
        lambda loc, scale, low, high: stats.truncnorm((low - loc) / scale, (high - loc) / scale, loc, scale),
    ),
    "TruncatedNormal(high)": Row(
        lambda loc, scale, high: dist.TruncatedNormal(loc, scale, high=high),
        {"loc": LOCS, "scale": SCALES, "high": numbers(-28.0, -1.5)},
    ),
    "TruncatedPolyaGamma": Row(
        lambda: dist.TruncatedPolyaGamma(torch.zeros((), dtype=torch.double)).expand((2,)), moments=False
    ),
    "Uniform": Row(dist.Uniform, {"low": LOCS, "high": numbers(1.1, 2.0)}, lambda a, b: stats.uniform(a, b - a)),
    "Weibull": Row(
        dist.Weibull, {"scale": SCALES, "concentration": numbers(1.5, 3.0)}, lambda s, c: stats.weibull_min(c, scale=s)
    ),
}

"""Families of one real number."""

import mpmath as mp
import torch

import virgil.distributions as dist
from tests.laws.edges import LOCS, POSITIVE, SCALES, SHAPES, UNIT, Edge, around, near_mean
from tests.laws.exact_formulas import (
    beta,
    cont_bernoulli,
    exponential_normal,
    fisher,
    gamma,
    gen_pareto,
    log_odds,
    normal,
    normal_mass,
    polya_gamma,
    relaxed,
    sigmoid,
    skew_logistic,
    soft_laplace,
    student,
    tweedie,
)

EDGES = {
    "AffineBeta": Edge(
        dist.AffineBeta,
        lambda x, a, b, m, s: beta((x - m) / s, a, b) - mp.log(s),
        {
            "concentration1": (1e-3, 0.5, 1e3, 1e6),
            "concentration0": (0.5, 3.0, 1e3),
            "loc": (-2.0, 0.0),
            "scale": (0.5, 1e3),
            "x": lambda a, b, m, s: (m + 0.25 * s, m + 0.5 * s, m + 0.99 * s),
        },
    ),
    "AsymmetricLaplace": Edge(
        dist.AsymmetricLaplace,
        lambda x, m, s, k: -abs(x - m) / (s * k if x < m else s / k) - mp.log(s * k + s / k),
        {
            "loc": (0.0, 30.0),
            "scale": (1e-3, 1.0, 1e6),
            "asymmetry": (1e-3, 0.5, 1.0, 1e3),
            "x": lambda m, s, k: (m + s, m + 2.0, m - 30 * s),
        },
    ),
    "Beta": Edge(
        dist.Beta,
        beta,
        {"concentration1": SHAPES, "concentration0": SHAPES, "x": UNIT},
    ),
    "BetaProportion": Edge(
        dist.BetaProportion,
        lambda x, mean, c: beta(x, mean * c, (1 - mean) * c),
        {"mean": (1e-3, 0.25, 0.5, 0.875), "concentration": (1e-3, 1.0, 1e3), "x": UNIT},
    ),
    "Cauchy": Edge(
        dist.Cauchy,
        lambda x, m, s: -mp.log(mp.pi * s) - mp.log1p(((x - m) / s) ** 2),
        {"loc": (0.0, 30.0), "scale": (1e-20, *SCALES, 1e20), "x": (0.0, 1e-6, 30.5, -1e10, 1e25)},
    ),
    "Chi2": Edge(
        dist.Chi2,
        lambda x, df: gamma(x, df / 2, mp.mpf(1) / 2),
        {"df": SHAPES, "x": lambda df: (1e-20, 1e-3, 1.0, *near_mean(df, (2 * df) ** 0.5))},
    ),
    "ContinuousBernoulli": Edge(
        lambda logits: dist.ContinuousBernoulli(logits=logits),
        cont_bernoulli,
        {"logits": (-80.0, -20.0, -3.0, -0.1, -1e-3, 0.0, 1e-6, 0.02, 0.3, 12.0, 50.0), "x": (0.0, 1e-10, 0.3, 1.0)},
    ),
    "ContinuousBernoulli(probs)": Edge(
        dist.ContinuousBernoulli,
        lambda x, p: cont_bernoulli(x, log_odds(p)),
        {"probs": (1e-10, 1e-4, 0.3, 0.498, 0.5, 0.5001, 0.9999), "x": (0.0, 1e-10, 0.3, 1.0)},
    ),
    "ExGaussian": Edge(
        dist.ExGaussian,
        lambda x, m, s, rate: mp.log(rate) + exponential_normal((x - m) / s, rate * s),
        {
            "loc": (0.0, 30.0),
            "scale": (1e-3, 1.0, 1e3),
            "rate": (1e-6, 1.0, 1e3),
            "x": lambda m, s, rate: (*around(m, s), m + 1 / rate, m + 1e4 * s),
        },
    ),
    "Exponential": Edge(
        dist.Exponential, lambda x, rate: mp.log(rate) - rate * x, {"rate": POSITIVE, "x": lambda r: (0.0, 1 / r, 1.0)}
    ),
    "FisherSnedecor": Edge(
        dist.FisherSnedecor,
        fisher,
        {"df1": (1e-3, 0.5, 3.0, 1e3, 1e6), "df2": (1e-3, 0.5, 3.0, 1e3, 1e6), "x": (1e-20, 1e-3, 1.0, 1.01, 1e6)},
    ),
    "Gamma": Edge(
        dist.Gamma,
        gamma,
        {
            "concentration": SHAPES,
            "rate": (1e-6, 1.0, 1e6),
            "x": lambda a, r: (1e-20, 1.0, *near_mean(a / r, a**0.5 / r)),
        },
    ),
    "GeneralizedPareto": Edge(
        dist.GeneralizedPareto,
        gen_pareto,
        {
            "loc": (0.0,),
            "scale": (1e-3, 1.0, 1e6),
            "concentration": (-0.3, -1e-4, -1e-7, 0.0, 1e-12, 1e-9, 1e-7, 1e-3, 1.0, 1e3),
            "x": lambda m, s, c: (0.0, 1e-6 * s, s, 2 * s),
        },
    ),
    "Gumbel": Edge(
        dist.Gumbel,
        lambda x, m, s: -(x - m) / s - mp.exp(-(x - m) / s) - mp.log(s),
        {"loc": (0.0, 30.0), "scale": SCALES, "x": lambda m, s: (m, m + s, m - 3 * s, m + 200 * s, m + 1e-3 * s)},
    ),
    "HalfCauchy": Edge(
        dist.HalfCauchy,
        lambda x, s: mp.log(2) - mp.log(mp.pi * s) - mp.log1p((x / s) ** 2),
        {"scale": (1e-20, *SCALES, 1e20), "x": (0.0, 1e-6, 1.0, 1e10, 1e25)},
    ),
    "HalfNormal": Edge(
        dist.HalfNormal, lambda x, s: normal(x, 0, s) + mp.log(2), {"scale": SCALES, "x": lambda s: (0.0, s, 30 * s)}
    ),
    "InverseGamma": Edge(
        dist.InverseGamma,
        lambda x, a, rate: a * mp.log(rate) - (a + 1) * mp.log(x) - rate / x - mp.loggamma(a),
        {
            "concentration": SHAPES,
            "rate": (1e-6, 1.0, 1e6),
            "x": lambda a, r: (1.0, 1e6, *near_mean(r / (a + 1), r / (a + 1) / (a + 1) ** 0.5)),
        },
    ),
    "InverseGaussian": Edge(
        dist.InverseGaussian,
        lambda x, m, c: (mp.log(c) - 3 * mp.log(x) - mp.log(2 * mp.pi)) / 2 - c * (x - m) ** 2 / (2 * m**2 * x),
        {
            "loc": (1e-6, 1.0, 1e6),
            "concentration": (1e-6, 1.0, 1e6),
            "x": lambda m, c: (1e-10, 1e-3, 1.0, 1e10, m, 1.01 * m),
        },
    ),
    "Kumaraswamy": Edge(
        dist.Kumaraswamy,
        lambda x, a, b: mp.log(a) + mp.log(b) + (a - 1) * mp.log(x) + (b - 1) * mp.log1p(-(x**a)),
        {"concentration1": (1e-3, 0.5, 3.0, 100.0), "concentration0": (1e-3, 0.5, 3.0, 1e3), "x": UNIT},
    ),
    "Laplace": Edge(
        dist.Laplace,
        lambda x, m, s: -abs(x - m) / s - mp.log(2 * s),
        {"loc": LOCS, "scale": SCALES, "x": lambda m, s: (m + s, m + 2.0, m - 30 * s)},
    ),
    "Logistic": Edge(
        dist.Logistic,
        lambda x, m, s: skew_logistic(x, m, s, 1),
        {"loc": LOCS, "scale": SCALES, "x": lambda m, s: around(m, s)},
    ),
    "LogNormal": Edge(
        dist.LogNormal,
        lambda x, m, s: normal(mp.log(x), m, s) - mp.log(x),
        {"loc": (-50.0, 0.0, 30.0), "scale": (1e-3, 1.0, 1e3), "x": (1e-30, 1e-3, 1.0, 1e10, 1e30)},
    ),
    "Normal": Edge(dist.Normal, normal, {"loc": LOCS, "scale": SCALES, "x": lambda m, s: around(m, s)}),
    "NormalMixture": Edge(
        lambda loc, scale, logit: dist.NormalMixture(
            torch.stack([loc, torch.ones(())]),
            torch.stack([scale, torch.ones(())]),
            logits=torch.stack([logit, -logit]),
        ),
        lambda x, m, s, logit: mp.log(
            sigmoid(2 * logit) * mp.exp(normal(x, m, s)) + sigmoid(-2 * logit) * mp.exp(normal(x, 1, 1))
        ),
        {"loc": (-30.0, 0.0, 1.0), "scale": (1e-3, 1.0, 1e3), "logit": (-50.0, 0.0, 5.0), "x": (-30.0, 0.0, 1.0, 40.0)},
    ),
    "Pareto": Edge(
        dist.Pareto,
        lambda x, s, a: mp.log(a) + a * mp.log(s) - (a + 1) * mp.log(x),
        {"scale": (1e-6, 1.0, 1e6), "alpha": (1e-6, 1.0, 1e3, 1e6), "x": lambda s, a: (s, s * (1 + 1 / a), s * 3)},
    ),
    "RelaxedBernoulli": Edge(
        lambda temperature, logits: dist.RelaxedBernoulli(temperature, logits=logits),
        relaxed,
        {"temperature": (0.01, 0.5, 10.0), "logits": (-100.0, -5.0, 0.0, 30.0), "x": UNIT},
    ),
    "SkewLogistic": Edge(
        dist.SkewLogistic,
        skew_logistic,
        {
            "loc": (0.0, 30.0),
            "scale": (1e-3, 1.0, 1e6),
            "asymmetry": (1e-6, 1e-3, 0.5, 3.0, 1e3, 1e6),
            "x": lambda m, s, a: (*around(m, s), m + s * float(mp.log(a) + 1)),
        },
    ),
    "SoftAsymmetricLaplace": Edge(
        dist.SoftAsymmetricLaplace,
        soft_laplace,
        {
            "loc": (0.0, 30.0),
            "scale": (1e-3, 1.0),
            "asymmetry": (1e-2, 1.0, 30.0),
            "softness": (1e-3, 1.0, 1e3),
            "x": lambda m, s, k, soft: (m, m + s, m - 30 * s, m + 1e3 * s * soft),
        },
    ),
    "SoftLaplace": Edge(
        dist.SoftLaplace,
        lambda x, m, s: -mp.log(mp.pi * s) - mp.log(mp.cosh((x - m) / s)),
        {"loc": LOCS, "scale": SCALES, "x": lambda m, s: around(m, s)},
    ),
    "StudentT": Edge(
        dist.StudentT,
        student,
        {
            "df": (1e-3, 0.5, 3.0, 1e3, 1e6, 1e10),
            "loc": (0.0,),
            "scale": (1e-6, 1.0, 1e6),
            "x": lambda d, m, s: (0.0, s, 30 * s, 1e10 * s, 1e-3 * s),
        },
    ),
    "TruncatedCauchy": Edge(
        dist.TruncatedCauchy,
        lambda x, m, s, a, b: -mp.log1p(((x - m) / s) ** 2) - mp.log(s * (mp.atan((b - m) / s) - mp.atan((a - m) / s))),
        {
            "loc": (0.0, 30.0),
            "scale": (1e-6, 1.0, 1e6),
            "low": (-1e10, -1.0, 5.0),
            "high": (5.0001, 1e10),
            "x": (5.00005,),
        },
    ),
    "TruncatedNormal": Edge(
        dist.TruncatedNormal,
        lambda x, m, s, a, b: normal(x, m, s) - mp.log(normal_mass((a - m) / s, (b - m) / s)),
        {
            "loc": (0.0, -3.0, 30.0),
            "scale": (0.01, 0.1, 1.0, 1e3),
            "low": (-1e4, -1.0, 5.0),
            "high": (5.0001, 40.0),
            "x": (5.00005,),
        },
    ),
    "TruncatedNormal(low)": Edge(
        lambda loc, scale, low: dist.TruncatedNormal(loc, scale, low),
        lambda x, m, s, a: normal(x, m, s) - mp.log(normal_mass((a - m) / s, mp.inf)),
        {"loc": (0.0, 30.0), "scale": (0.01, 1.0, 1e3), "low": (-1e4, 5.0), "x": (5.0, 6.0, 38.0)},
    ),
    "TruncatedPolyaGamma": Edge(
        lambda: dist.TruncatedPolyaGamma(torch.zeros(())),
        polya_gamma,
        {"x": (1e-6, 1e-3, 0.05, 0.159, 0.161, 1.0, 2.5)},
    ),
    "Tweedie": Edge(
        dist.Tweedie,
        tweedie,
        {
            "mean": (1e-2, 1.0, 30.0),
            "dispersion": (0.05, 1.0, 10.0),
            "power": (1.05, 1.5, 1.95),
            "x": lambda m, phi, p: (0.0, 1e-3 * m, m, 3 * m),
        },
    ),
    "Uniform": Edge(
        dist.Uniform, lambda x, a, b: -mp.log(b - a), {"low": (-1e6, 0.0), "high": (1e-6, 1.0, 1e20), "x": (0.0,)}
    ),
    "Weibull": Edge(
        dist.Weibull,
        lambda x, s, c: mp.log(c / s) + (c - 1) * mp.log(x / s) - (x / s) ** c,
        {
            "scale": (1e-6, 1.0, 1e6),
            "concentration": (1e-3, 0.5, 3.0, 100.0),
            "x": lambda s, c: (1e-12 * s, s, s * 1.01, 1.3 * s),
        },
    ),
}

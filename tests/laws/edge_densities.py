"""Log-densities of all families at the edges of their parameters.

Values of which the density is zero or beyond a float32 are left out of the comparison."""

from __future__ import annotations

import mpmath as mp
import torch

import virgil.distributions as dist
from tests.laws.edges import (
    LOCS,
    LOGITS,
    POSITIVE,
    PROBS,
    SCALES,
    SHAPES,
    UNIT,
    Edge,
    OfOneRow,
    OfTwoRows,
    Pair,
    around,
    counts_near,
    near_mean,
)
from tests.laws.exact_formulas import (
    binomial,
    choose,
    cont_bernoulli,
    fisher,
    gamma,
    gen_pareto,
    inflated,
    log_beta,
    log_odds,
    logs,
    negative,
    normal,
    ordered_logistic,
    relaxed,
    sigmoid,
    skew_logistic,
    softplus,
    student,
)

EDGES = {
    "Beta": Edge(
        dist.Beta,
        lambda x, a, b: (a - 1) * mp.log(x) + (b - 1) * mp.log1p(-x) - log_beta(a, b),
        {"concentration1": SHAPES, "concentration0": SHAPES, "x": UNIT},
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
    "Exponential": Edge(
        dist.Exponential, lambda x, rate: mp.log(rate) - rate * x, {"rate": POSITIVE, "x": lambda r: (0.0, 1 / r, 1.0)}
    ),
    "FisherSnedecor": Edge(
        dist.FisherSnedecor,
        fisher,
        {"df1": (1e-3, 0.5, 3.0, 1e3, 1e6), "df2": (1e-3, 0.5, 3.0, 1e3, 1e6), "x": (1e-20, 1e-3, 1.0, 1.01, 1e6)},
    ),
    "FoldedDistribution": Edge(
        lambda loc, scale: dist.FoldedDistribution(dist.Normal(loc, scale)),
        lambda x, m, s: mp.log(mp.exp(normal(x, m, s)) + mp.exp(normal(-x, m, s))),
        {"loc": (-1e3, 0.0, 0.01), "scale": (1e-3, 1.0, 1e3), "x": (0.0, 1e-6, 1.0, 1e3)},
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
    "Uniform": Edge(
        dist.Uniform, lambda x, a, b: -mp.log(b - a), {"low": (-1e6, 0.0), "high": (1e-6, 1.0, 1e20), "x": (0.0,)}
    ),
    "VonMises": Edge(
        dist.VonMises,
        lambda x, m, k: k * mp.cos(x - m) - mp.log(2 * mp.pi * mp.besseli(0, k)),
        {
            "loc": (0.0, 1.0),
            "concentration": (1e-10, 1e-3, 1.0, 30.0, 1e3, 1e6),
            "x": lambda m, k: (m, m + k**-0.5 if k > 1 else m + 1.0, m + 1e-3),
        },
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
    "ZeroInflatedNegativeBinomial": Edge(
        lambda total_count, logits, gate_logits: dist.ZeroInflatedNegativeBinomial(
            total_count, logits=logits, gate_logits=gate_logits
        ),
        lambda k, r, logit, gate: inflated(k, sigmoid(gate), negative(k, r, logit)),
        {
            "total_count": (1e-3, 1.0, 1e3),
            "logits": (-30.0, 0.0, 10.0),
            "gate_logits": (-50.0, -5.0, 0.0, 20.0),
            "x": (0.0, 1.0, 1000.0),
        },
    ),
    "ZeroInflatedPoisson": Edge(
        lambda rate, gate: dist.ZeroInflatedPoisson(rate, gate=gate),
        lambda k, rate, gate: inflated(k, gate, logs(k, mp.log(rate)) - rate - mp.loggamma(k + 1)),
        {"rate": (1e-30, 1e-3, 1.0, 1e3, 1e6), "gate": PROBS, "x": lambda r, g: {0.0, 1.0, float(round(r))}},
    ),
    "Dirichlet": Edge(
        lambda a, b: Pair(dist.Dirichlet(torch.stack([a, b])), 1.0),
        lambda x, a, b: (a - 1) * mp.log(x) + (b - 1) * mp.log1p(-x) - log_beta(a, b),
        {"a": SHAPES, "b": SHAPES, "x": (2.0**-20, 0.25, 0.5)},
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
    "RelaxedOneHotCategorical": Edge(
        lambda t, a: Pair(dist.RelaxedOneHotCategorical(t, logits=torch.stack([a, torch.zeros(())])), 1.0),
        lambda x, t, a: relaxed(x, t, a),
        {"t": (0.01, 0.5, 10.0), "a": (-60.0, -5.0, 0.0, 30.0), "x": (2.0**-20, 0.25, 0.5)},
    ),
    "LKJCholesky": Edge(
        lambda concentration: OfTwoRows(dist.LKJCholesky(2, concentration)),
        # the correlation r has the density (1 - r**2)**(c - 1), up to a factor, and x is the root of 1 - r**2
        lambda x, c: 2 * (c - 1) * mp.log(x) - (2 * c - 1) * mp.log(2) - log_beta(c, c),
        {"concentration": SHAPES, "x": (2.0**-10, 0.5, 1.0 - 2.0**-10)},
    ),
    "Wishart": Edge(
        lambda df, scale: OfOneRow(dist.Wishart(df, scale_tril=scale[None, None])),
        lambda x, df, s: gamma(x, df / 2, 1 / (2 * s * s)),
        {"df": SHAPES, "scale": (1e-3, 1.0, 1e3), "x": lambda df, s: near_mean(df * s * s, (2 * df) ** 0.5 * s * s)},
    ),
}

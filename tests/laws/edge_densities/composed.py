"""Families made of other distributions, samples, one value, a set."""

import mpmath as mp

import virgil.distributions as dist
from tests.laws.edges import PROBS, Edge
from tests.laws.exact_formulas import inflated, logs, negative, normal, sigmoid, softplus


def _censored(x, m, s, low, high):
    if x <= low:
        return mp.log(mp.erfc((m - low) / s / mp.sqrt(2)) / 2)
    return mp.log(mp.erfc((high - m) / s / mp.sqrt(2)) / 2) if x >= high else normal(x, m, s)


def _hurdle(k, rate, logit):
    if k == 0:
        return -softplus(-logit)
    return -softplus(logit) + k * mp.log(rate) - rate - mp.loggamma(k + 1) - mp.log(-mp.expm1(-rate))


EDGES = {
    "Censored": Edge(
        lambda loc, scale, low, high: dist.Censored(dist.Normal(loc, scale), low, high),
        _censored,
        {
            "loc": (-30.0, 0.0, 3.0),
            "scale": (0.1, 1.0, 1e3),
            "low": (-2.0,),
            "high": (1e-3, 4.0),
            "x": (-3.0, 0.0, 9.0),
        },
    ),
    "FoldedDistribution": Edge(
        lambda loc, scale: dist.FoldedDistribution(dist.Normal(loc, scale)),
        lambda x, m, s: mp.log(mp.exp(normal(x, m, s)) + mp.exp(normal(-x, m, s))),
        {"loc": (-1e3, 0.0, 0.01), "scale": (1e-3, 1.0, 1e3), "x": (0.0, 1e-6, 1.0, 1e3)},
    ),
    "HurdleDistribution": Edge(
        lambda rate, gate_logits: dist.HurdleDistribution(dist.Poisson(rate), gate_logits=gate_logits),
        _hurdle,
        {"rate": (1e-20, 1e-3, 1.0, 1e3), "gate_logits": (-50.0, 0.0, 20.0), "x": (0.0, 1.0, 30.0)},
    ),
    "LeftTruncatedDistribution": Edge(
        lambda loc, scale, low: dist.LeftTruncatedDistribution(dist.Laplace(loc, scale), low),
        lambda x, m, s, a: -abs(x - m) / s - mp.log(s) - ((m - a) / s if a > m else mp.log(2 - mp.exp((a - m) / s))),
        {"loc": (-1.0, 0.0, 2.0), "scale": (0.5, 1.0, 1e3), "low": (-1e4, 0.5, 1.0, 2.0), "x": (2.5, 30.0)},
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
}

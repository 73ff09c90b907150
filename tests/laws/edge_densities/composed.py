"""Families made of other distributions, samples, one value, a set."""

import mpmath as mp

import virgil.distributions as dist
from tests.laws.edges import PROBS, Edge
from tests.laws.exact_formulas import inflated, logs, negative, normal, sigmoid

EDGES = {
    "FoldedDistribution": Edge(
        lambda loc, scale: dist.FoldedDistribution(dist.Normal(loc, scale)),
        lambda x, m, s: mp.log(mp.exp(normal(x, m, s)) + mp.exp(normal(-x, m, s))),
        {"loc": (-1e3, 0.0, 0.01), "scale": (1e-3, 1.0, 1e3), "x": (0.0, 1e-6, 1.0, 1e3)},
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

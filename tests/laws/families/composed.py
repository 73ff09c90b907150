"""Families made of other distributions, samples, one value, a set."""

from __future__ import annotations

import math
from typing import Any

import torch
from scipy import stats
from torch import Tensor

import virgil.distributions as dist
from tests.laws.families.row import COUNTS, LOCS, PROBS, RATES, SCALES, SHAPES, VECTORS, WEIGHTS, Row, numbers
from virgil.distributions import constraints


def _transformed(loc: Tensor, scale: Tensor) -> Any:
    affine = dist.transforms.AffineTransform(0.5, 0.5)
    return dist.TransformedDistribution(dist.Normal(loc, scale), [affine, dist.transforms.TanhTransform()])


def _mixture(probs: Tensor, loc: Tensor, scale: Tensor) -> Any:
    return dist.MixtureSameFamily(dist.Categorical(probs), dist.Normal(loc, scale))


class _Between:
    """SciPy's distribution between two bounds, by differences of its distribution function."""

    def __init__(self, base: Any, low: float, high: float) -> None:
        self.base, self.low, self.mass = base, base.cdf(low), base.cdf(high) - base.cdf(low)

    def pdf(self, x: Any) -> Any:
        return self.base.pdf(x) / self.mass

    def logpdf(self, x: Any) -> Any:
        return self.base.logpdf(x) - math.log(self.mass)

    def cdf(self, x: Any) -> Any:
        return (self.base.cdf(x) - self.low) / self.mass


def _shifted_log_normal(loc: Tensor, scale: Tensor) -> Any:
    inner = dist.LogNormal(0.3, scale)
    return dist.CompoundDistribution(
        lambda noise: loc + (0.3 + scale * noise).exp(),
        lambda x: inner.log_prob(torch.maximum(x - loc, torch.finfo(x.dtype).tiny * torch.ones_like(x))),
        dist.Normal(torch.zeros(2, dtype=loc.dtype), 1.0),
        support=constraints.greater_than(loc),
    )


CONTINUOUS = {
    "CompoundDistribution": Row(
        _shifted_log_normal,
        {"loc": LOCS, "scale": numbers(0.2, 0.4)},
        lambda loc, scale: stats.lognorm(scale, loc, math.exp(0.3)),
        moments=False,
    ),
    "FoldedDistribution": Row(
        lambda loc, scale: dist.FoldedDistribution(dist.Normal(loc, scale)),
        {"loc": LOCS, "scale": SCALES},
        lambda loc, scale: stats.foldnorm(abs(loc) / scale, scale=scale),
        moments=False,
        pathwise=False,  # the absolute value of a draw below zero falls where its quantile rises
    ),
    "LeftTruncatedDistribution": Row(
        lambda loc, scale, low: dist.LeftTruncatedDistribution(dist.Logistic(loc, scale), low),
        {"loc": LOCS, "scale": SCALES, "low": numbers(-0.5, 1.4)},
        lambda loc, scale, low: _Between(stats.logistic(loc, scale), low, math.inf),
        moments=False,
    ),
    "MaskedMixture": Row(
        lambda loc, scale: dist.MaskedMixture(
            torch.tensor([True, False]), dist.Normal(loc, scale), dist.Laplace(loc, scale)
        ),
        {"loc": LOCS, "scale": SCALES},
    ),
    "MixtureSameFamily": Row(
        _mixture, {"probs": WEIGHTS, "loc": numbers([-2.0, 0.0, 1.5], [0.0, 1.0, 2.0]), "scale": numbers([0.5], [1.0])}
    ),
    "RightTruncatedDistribution": Row(
        lambda scale, concentration, high: dist.RightTruncatedDistribution(dist.Weibull(scale, concentration), high),
        {"scale": SCALES, "concentration": numbers(1.5, 3.0), "high": numbers(0.6, 1.8)},
        lambda scale, c, high: _Between(stats.weibull_min(c, scale=scale), 0.0, high),
        moments=False,
    ),
    "TransformedDistribution": Row(_transformed, {"loc": LOCS, "scale": SCALES}, moments=False),
    "TwoSidedTruncatedDistribution": Row(
        lambda loc, scale, low, high: dist.TwoSidedTruncatedDistribution(dist.Laplace(loc, scale), low, high),
        {"loc": LOCS, "scale": SCALES, "low": numbers(-0.5, -3.0), "high": numbers(1.5, -1.4)},
        lambda loc, scale, low, high: _Between(stats.laplace(loc, scale), low, high),
        moments=False,
    ),
}

DISCRETE = {
    "Censored(counts)": Row(
        lambda rate: dist.Censored(dist.Poisson(rate), 1.0, 4.0),
        {"rate": numbers(2.5, 4.0)},
        values=COUNTS[1:5],
        moments=False,
    ),
    "Empirical": Row(
        dist.Empirical,
        {
            "samples": numbers([0.5, -1.0, 2.0], [3.0, 0.25, 1.0]),
            "log_weights": LOCS.unsqueeze(-1) * numbers(0.0, 1.0, -1.0),
        },
        values=numbers(0.5, -1.0, 2.0, 3.0, 0.25, 1.0),
    ),
    "HurdleDistribution": Row(
        lambda rate, gate: dist.HurdleDistribution(dist.Poisson(rate), gate=gate),
        {"rate": RATES, "gate": numbers(0.4, 0.1)},
        values=COUNTS[:60],
    ),
    "ZeroInflatedDistribution": Row(
        lambda probs, gate: dist.ZeroInflatedDistribution(dist.Binomial(6, probs), gate=gate),
        {"probs": PROBS, "gate": numbers(0.4, 0.1)},
        values=COUNTS[:7],
    ),
    "ZeroInflatedNegativeBinomial": Row(
        lambda total_count, probs, gate: dist.ZeroInflatedNegativeBinomial(total_count, probs=probs, gate=gate),
        {"total_count": SHAPES, "probs": numbers(0.3, 0.7), "gate": numbers(0.4, 0.1)},
        values=COUNTS,
    ),
    "ZeroInflatedPoisson": Row(
        lambda rate, gate_logits: dist.ZeroInflatedPoisson(rate, gate_logits=gate_logits),
        {"rate": RATES, "gate_logits": LOCS},
        values=COUNTS,
    ),
}

MULTIVARIATE = {
    "Independent": Row(
        lambda loc, scale: dist.Independent(dist.Normal(loc, scale), 1),
        {**VECTORS, "scale": numbers([0.5, 1.5], [1.0, 0.8])},
    ),
}

UNNORMALISED = {
    "Censored": Row(
        lambda loc, scale, low, high: dist.Censored(dist.Normal(loc, scale), low, high),
        {"loc": LOCS, "scale": SCALES, "low": numbers(-0.5, -3.0), "high": numbers(1.5, 0.4)},
        moments=False,
        normalised=False,
    ),
    "Delta": Row(dist.Delta, {"v": LOCS, "log_density": numbers(0.0, -1.0)}, normalised=False),
    "ExpandedDistribution": Row(
        lambda loc, scale: dist.ExpandedDistribution(dist.Normal(loc, scale), (2,)),
        {"loc": LOCS, "scale": SCALES},
    ),
    "HurdleDistribution(amounts)": Row(
        lambda loc, scale, gate_logits: dist.HurdleDistribution(dist.LogNormal(loc, scale), gate_logits=gate_logits),
        {"loc": LOCS, "scale": numbers(0.2, 0.4), "gate_logits": LOCS},
        normalised=False,  # it has a mass at zero and a density elsewhere
    ),
    "ImproperUniform": Row(
        lambda: dist.ImproperUniform(constraints.positive, (2,), (3,)), normalised=False, moments=False
    ),
    "MaskedDistribution": Row(
        lambda loc, scale: dist.Normal(loc, scale).mask(torch.tensor([True, False])),
        {"loc": LOCS, "scale": SCALES},
        normalised=False,
    ),
    "Unit": Row(dist.Unit, {"log_factor": LOCS}, normalised=False, moments=False),
}

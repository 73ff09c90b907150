"""Families made of other distributions, samples, one value, a set."""

from __future__ import annotations

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


CONTINUOUS = {
    "FoldedDistribution": Row(
        lambda loc, scale: dist.FoldedDistribution(dist.Normal(loc, scale)),
        {"loc": LOCS, "scale": SCALES},
        lambda loc, scale: stats.foldnorm(abs(loc) / scale, scale=scale),
        moments=False,
        pathwise=False,  # the absolute value of a draw below zero falls where its quantile rises
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
    "TransformedDistribution": Row(_transformed, {"loc": LOCS, "scale": SCALES}, moments=False),
}

DISCRETE = {
    "Empirical": Row(
        dist.Empirical,
        {
            "samples": numbers([0.5, -1.0, 2.0], [3.0, 0.25, 1.0]),
            "log_weights": LOCS.unsqueeze(-1) * numbers(0.0, 1.0, -1.0),
        },
        values=numbers(0.5, -1.0, 2.0, 3.0, 0.25, 1.0),
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
    "Delta": Row(dist.Delta, {"v": LOCS, "log_density": numbers(0.0, -1.0)}, normalised=False),
    "ExpandedDistribution": Row(
        lambda loc, scale: dist.ExpandedDistribution(dist.Normal(loc, scale), (2,)),
        {"loc": LOCS, "scale": SCALES},
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

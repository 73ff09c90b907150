"""Families of matrices."""

import mpmath as mp
import torch

import virgil.distributions as dist
from tests.laws.edges import SHAPES, Edge, OfOneRow, OfTwoRows, near_mean
from tests.laws.exact_formulas import gamma, log_beta


class OfTwoNumbers:
    """Correlation matrices of two numbers, by their correlation."""

    def __init__(self, fn):
        self.fn = fn

    def log_prob(self, x):
        one = torch.ones_like(x)
        return self.fn.log_prob(torch.stack([torch.stack([one, x]), torch.stack([x, one])]))


EDGES = {
    "LKJ": Edge(
        lambda concentration: OfTwoNumbers(dist.LKJ(2, concentration)),
        lambda x, c: (c - 1) * mp.log(1 - x * x) - (2 * c - 1) * mp.log(2) - log_beta(c, c),
        {"concentration": SHAPES, "x": (-0.5, 2.0**-10, 1.0 - 2.0**-10)},
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

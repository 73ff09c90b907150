"""Families of vectors."""

import mpmath as mp
import torch

import virgil.distributions as dist
from tests.laws.edges import SHAPES, Edge, OfOneEntry, Pair, around
from tests.laws.exact_formulas import log_beta, relaxed, student

EDGES = {
    "Dirichlet": Edge(
        lambda a, b: Pair(dist.Dirichlet(torch.stack([a, b])), 1.0),
        lambda x, a, b: (a - 1) * mp.log(x) + (b - 1) * mp.log1p(-x) - log_beta(a, b),
        {"a": SHAPES, "b": SHAPES, "x": (2.0**-20, 0.25, 0.5)},
    ),
    "MultivariateStudentT": Edge(
        lambda df, loc, scale: OfOneEntry(dist.MultivariateStudentT(df, loc[None], scale[None, None])),
        student,
        {"df": SHAPES, "loc": (0.0, 30.0), "scale": (1e-3, 1e6), "x": lambda df, m, s: around(m, s)},
    ),
    "RelaxedOneHotCategorical": Edge(
        lambda t, a: Pair(dist.RelaxedOneHotCategorical(t, logits=torch.stack([a, torch.zeros(())])), 1.0),
        lambda x, t, a: relaxed(x, t, a),
        {"t": (0.01, 0.5, 10.0), "a": (-60.0, -5.0, 0.0, 30.0), "x": (2.0**-20, 0.25, 0.5)},
    ),
}

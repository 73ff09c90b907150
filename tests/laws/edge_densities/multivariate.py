"""Families of vectors."""

import mpmath as mp
import torch

import virgil.distributions as dist
from tests.laws.edges import SHAPES, Edge, OfOneEntry, Pair, around
from tests.laws.exact_formulas import log_beta, normal, relaxed, sigmoid, student


def two_normals(x, logit, m, s, t):
    """The mixture of a normal density with location m and scale s, and a centred one of scale t."""
    first, second = mp.log(sigmoid(logit)) + normal(x, m, s), mp.log(sigmoid(-logit)) + normal(x, mp.mpf(0), t)
    largest = max(first, second)
    return largest + mp.log(mp.exp(first - largest) + mp.exp(second - largest))


def _pair(first, second):
    return torch.stack([first, second])


WIDTHS = {"s": (1e-3, 1.0), "t": (1.0, 1e6), "x": (-30.0, 0.0, 1e-3, 4.0, 1e4)}

EDGES = {
    "Dirichlet": Edge(
        lambda a, b: Pair(dist.Dirichlet(torch.stack([a, b])), 1.0),
        lambda x, a, b: (a - 1) * mp.log(x) + (b - 1) * mp.log1p(-x) - log_beta(a, b),
        {"a": SHAPES, "b": SHAPES, "x": (2.0**-20, 0.25, 0.5)},
    ),
    "GaussianScaleMixture": Edge(
        lambda logit, s, t: OfOneEntry(
            dist.GaussianScaleMixture(torch.ones(1), _pair(logit, torch.zeros(())), _pair(s, t))
        ),
        lambda x, logit, s, t: two_normals(x, logit, mp.mpf(0), s, t),
        {"logit": (-60.0, 0.0, 5.0), **WIDTHS},
    ),
    "MixtureOfDiagNormals": Edge(
        lambda logit, m, s, t: OfOneEntry(
            dist.MixtureOfDiagNormals(
                _pair(m, torch.zeros(()))[:, None], _pair(s, t)[:, None], _pair(logit, torch.zeros(()))
            )
        ),
        two_normals,
        {"logit": (-60.0, 5.0), "m": (0.0, 30.0), **WIDTHS},
    ),
    "MixtureOfDiagNormalsSharedCovariance": Edge(
        lambda logit, m, s: OfOneEntry(
            dist.MixtureOfDiagNormalsSharedCovariance(
                _pair(m, torch.zeros(()))[:, None], s[None], _pair(logit, torch.zeros(()))
            )
        ),
        lambda x, logit, m, s: two_normals(x, logit, m, s, s),
        {"logit": (-60.0, 5.0), "m": (0.0, 30.0), "s": (1e-3, 1.0), "x": (-30.0, 0.0, 1e-3, 4.0)},
    ),
    "MultivariateStudentT": Edge(
        lambda df, loc, scale: OfOneEntry(dist.MultivariateStudentT(df, loc[None], scale[None, None])),
        student,
        {"df": SHAPES, "loc": (30.0,), "scale": (1e-3, 1e6), "x": lambda df, m, s: around(m, s)},
    ),
    "RelaxedOneHotCategorical": Edge(
        lambda t, a: Pair(dist.RelaxedOneHotCategorical(t, logits=torch.stack([a, torch.zeros(())])), 1.0),
        lambda x, t, a: relaxed(x, t, a),
        {"t": (0.01, 0.5, 10.0), "a": (-60.0, -5.0, 0.0, 30.0), "x": (2.0**-20, 0.25, 0.5)},
    ),
}

"""Families of whole series."""

import mpmath as mp
import torch

import virgil.distributions as dist
from tests.laws.edges import Edge


class OfOneNumber:
    """Series of ``steps`` equal numbers, by that number."""

    def __init__(self, fn, *shape):
        self.fn, self.shape = fn, shape

    def log_prob(self, x):
        return self.fn.log_prob(x.expand(self.shape))


def _noise(scale):
    return dist.Normal(torch.zeros(1), scale.unsqueeze(-1)).to_event(1)


def _walk(start, move, seen):
    one = torch.ones(1, 1)
    return OfOneNumber(dist.GaussianHMM(_noise(start), one, _noise(move), one, _noise(seen), duration=2), 2, 1)


def _two(x, start, move, seen):
    """Two observations of a walk: a normal vector whose covariance is known."""
    common = start**2 + move**2
    a, b, d = common + seen**2, common, common + move**2 + seen**2
    det = a * d - b * b
    square = x * x * (a + d - 2 * b) / det
    return -square / 2 - mp.log(det) / 2 - mp.log(2 * mp.pi)


def _student_walk(a, b, scale):
    one = torch.ones(1, 1)
    noise = _noise(scale)
    return OfOneNumber(dist.GammaGaussianHMM(dist.Gamma(a, b), noise, one, noise, one, noise, duration=1), 1, 1)


def _student(x, a, b, scale):
    variance = 3 * scale**2
    rate = b + x * x / variance / 2
    constant = mp.loggamma(a + mp.mpf(1) / 2) - mp.loggamma(a) - mp.log(2 * mp.pi * variance) / 2
    return constant + a * mp.log(b) - (a + mp.mpf(1) / 2) * mp.log(rate)


def _normal(x, mean, scale):
    return -(((x - mean) / scale) ** 2) / 2 - mp.log(scale) - mp.log(2 * mp.pi) / 2


SCALES = (1e-4, 1.0, 1e4)
NEARER = (1e-3, 1.0, 1e3)  # of noise in one chain
EDGES = {
    "AR": Edge(
        lambda c, s: OfOneNumber(dist.AR(c.unsqueeze(-1), s, 2, torch.ones(1)), 2),
        lambda x, c, s: _normal(x, c, s) + _normal(x, c * x, s),
        {"c": (-3.0, 0.5, 1.0), "s": SCALES, "x": (-30.0, 0.0, 1.5)},
    ),
    "GammaGaussianHMM": Edge(
        _student_walk, _student, {"a": (1e-3, 1.0, 1e6), "b": (1e-6, 1.0, 1e6), "scale": SCALES, "x": (0.0, -0.3, 30.0)}
    ),
    "GaussianHMM": Edge(_walk, _two, {"start": NEARER, "move": NEARER, "seen": NEARER, "x": (0.0, -0.3, 30.0)}),
    "GaussianRandomWalk": Edge(
        lambda s, d: OfOneNumber(dist.GaussianRandomWalk(s, 2, d), 2),
        lambda x, s, d: _normal(x, d, s) + _normal(mp.mpf(0), d, s),
        {"s": SCALES, "d": (-2.0, 0.0, 1e3), "x": (-30.0, 0.0, 1.5)},
    ),
}

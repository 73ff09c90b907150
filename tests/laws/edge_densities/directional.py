"""Families of angles and directions."""

import functools
import itertools

import mpmath as mp
import torch

import virgil.distributions as dist
from tests.laws.edges import Edge


class OfAngle:
    """Unit vectors in the plane of the first two of some axes, by their angle to the first."""

    def __init__(self, fn, axes):
        self.fn, self.axes = fn, axes

    def log_prob(self, x):
        return self.fn.log_prob(_along_first(x.cos(), self.axes, x.sin()))


def _along_first(first, axes, second=None):
    rest = [torch.zeros_like(first)] * (axes - 2)
    return torch.stack([first, torch.zeros_like(first) if second is None else second, *rest], -1)


class OfTwoAngles:
    """Two angles of which the second is 0.5, by the first."""

    def __init__(self, fn):
        self.fn = fn

    def log_prob(self, x):
        return self.fn.log_prob(torch.stack([x, torch.full_like(x, 0.5)]))


@functools.cache
def sine_normaliser(a, b, c):
    """By the series of Singh, Hnizdo and Demchuk (2002), theorem 1."""
    total = mp.mpf(0)
    for i in itertools.count():
        term = mp.binomial(2 * i, i) * (c * c / (4 * a * b)) ** i * mp.besseli(i, a) * mp.besseli(i, b)
        total += term
        if term < total * mp.mpf(10) ** -60:
            break
    return mp.log(total) + 2 * mp.log(2 * mp.pi)


def sine_von_mises(x, a, b, c):
    half = mp.mpf(1) / 2
    return a * mp.cos(x) + b * mp.cos(half) + c * mp.sin(x) * mp.sin(half) - sine_normaliser(a, b, c)


def projected_normal(x, k):
    t = k * mp.cos(x)
    return -(k**2) / 2 - mp.log(2 * mp.pi) + mp.log1p(mp.sqrt(2 * mp.pi) * t * mp.exp(t * t / 2) * mp.ncdf(t))


CONCENTRATIONS = (1e-10, 1e-3, 1.0, 30.0, 1e3)

EDGES = {
    "ProjectedNormal": Edge(
        lambda k: OfAngle(dist.ProjectedNormal(_along_first(k, 2)), 2),
        projected_normal,
        {"k": CONCENTRATIONS, "x": (0.0, 1e-3, 1.0, 1.5, 3.0)},
    ),
    "SineBivariateVonMises": Edge(
        lambda a, b, c: OfTwoAngles(dist.SineBivariateVonMises(0.0, 0.0, a, b, c)),
        sine_von_mises,
        {"a": (1e-3, 50.0), "b": (2.0,), "c": (-1e-3, 15.0), "x": (-1.0, 1e-3, 3.0)},
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
    "VonMises3D": Edge(
        lambda k: OfAngle(dist.VonMises3D(_along_first(k, 3)), 3),
        lambda x, k: k * (mp.cos(x) - 1) + mp.log(k) - mp.log(-mp.expm1(-2 * k)) - mp.log(2 * mp.pi),
        {"k": (*CONCENTRATIONS, 1e6), "x": (0.0, 1e-3, 1.0, 1.5, 3.0)},
    ),
}

"""Families of angles and directions."""

import mpmath as mp

import virgil.distributions as dist
from tests.laws.edges import Edge

EDGES = {
    "VonMises": Edge(
        dist.VonMises,
        lambda x, m, k: k * mp.cos(x - m) - mp.log(2 * mp.pi * mp.besseli(0, k)),
        {
            "loc": (0.0, 1.0),
            "concentration": (1e-10, 1e-3, 1.0, 30.0, 1e3, 1e6),
            "x": lambda m, k: (m, m + k**-0.5 if k > 1 else m + 1.0, m + 1e-3),
        },
    ),
}

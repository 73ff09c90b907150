"""Families of angles and directions."""

from scipy import stats

import virgil.distributions as dist
from tests.laws.families.row import RATES, Row, circle, numbers, sphere

CONTINUOUS = {
    "VonMises": Row(
        dist.VonMises,
        {"loc": numbers(0.0, 0.0), "concentration": RATES},
        lambda loc, k: stats.vonmises(k, loc),
        chart=circle,
        moments=False,  # its mean and variance are circular
    ),
}

MULTIVARIATE = {
    "ProjectedNormal": Row(
        dist.ProjectedNormal,
        {"concentration": numbers([0.3, -1.2, 0.8], [0.0, 0.0, 0.0])},
        chart=sphere,
        dims=2,
        moments=False,  # its mean is a direction
    ),
    "VonMises3D": Row(
        dist.VonMises3D, {"concentration": numbers([0.5, -1.2, 2.0], [0.02, 0.01, -0.03])}, chart=sphere, dims=2
    ),
}

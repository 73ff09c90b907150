"""Families of angles and directions."""

from scipy import stats

import virgil.distributions as dist
from tests.laws.families.row import RATES, Row, circle, numbers, sphere, torus

CONTINUOUS = {
    "VonMises": Row(
        dist.VonMises,
        {"loc": numbers(0.0, 0.0), "concentration": RATES},
        lambda loc, k: stats.vonmises(k, loc),
        chart=circle,
        moments=False,  # its mean and variance are circular
    ),
}

SINE = {
    "phi_loc": numbers(0.4, -2.0),
    "psi_loc": numbers(-1.0, 3.0),
    "phi_concentration": numbers(1.5, 3.0),
    "psi_concentration": numbers(2.5, 0.7),
    "correlation": numbers(1.1, -4.0),  # the second has two modes
}

MULTIVARIATE = {
    "ProjectedNormal": Row(
        dist.ProjectedNormal,
        {"concentration": numbers([0.3, -1.2, 0.8], [0.0, 0.0, 0.0])},
        chart=sphere,
        dims=2,
        moments=False,  # its mean is a direction
    ),
    "SineBivariateVonMises": Row(dist.SineBivariateVonMises, SINE, chart=torus, dims=2, moments=False),
    "SineSkewed": Row(
        lambda skewness, **params: dist.SineSkewed(dist.SineBivariateVonMises(**params), skewness),
        {**SINE, "skewness": numbers([0.3, -0.6], [-0.9, 0.0])},
        chart=torus,
        dims=2,
        moments=False,
    ),
    "VonMises3D": Row(
        dist.VonMises3D, {"concentration": numbers([0.5, -1.2, 2.0], [0.02, 0.01, -0.03])}, chart=sphere, dims=2
    ),
}

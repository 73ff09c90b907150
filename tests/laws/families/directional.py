"""Families of angles and directions."""

from scipy import stats

import virgil.distributions as dist
from tests.laws.families.row import RATES, Row, circle, numbers

CONTINUOUS = {
    "VonMises": Row(
        dist.VonMises,
        {"loc": numbers(0.0, 0.0), "concentration": RATES},
        lambda loc, k: stats.vonmises(k, loc),
        chart=circle,
        moments=False,  # its mean and variance are circular
    ),
}

"""The table of all families: how each is made, from which parameters, and what is known of it from elsewhere.

A family has its row in the file of its wing, and there in the table of what it is a density of: ``CONTINUOUS`` numbers,
``DISCRETE`` values, ``MULTIVARIATE`` vectors and matrices, or ``UNNORMALISED``.
"""

from tests.laws.families import (
    combinatorial,
    composed,
    continuous,
    directional,
    discrete,
    matrix,
    multivariate,
    time_series,
)
from tests.laws.families.row import Row

__all__ = ["CONTINUOUS", "DISCRETE", "MULTIVARIATE", "ROWS", "UNNORMALISED", "Row"]

WINGS = [continuous, discrete, multivariate, directional, matrix, combinatorial, time_series, composed]


def _all(kind):
    return {name: row for wing in WINGS for name, row in getattr(wing, kind, {}).items()}


CONTINUOUS, DISCRETE, MULTIVARIATE, UNNORMALISED = map(_all, ("CONTINUOUS", "DISCRETE", "MULTIVARIATE", "UNNORMALISED"))
ROWS = {**CONTINUOUS, **DISCRETE, **MULTIVARIATE, **UNNORMALISED}

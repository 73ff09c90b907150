"""Log-densities of all families at the edges of their parameters.

Values of which the density is zero or beyond a float32 are left out of the comparison. A family has its row in the file
of its wing.
"""

from tests.laws.edge_densities import (
    combinatorial,
    composed,
    continuous,
    directional,
    discrete,
    matrix,
    multivariate,
    time_series,
)

__all__ = ["EDGES"]

WINGS = [continuous, discrete, multivariate, directional, matrix, combinatorial, time_series, composed]
EDGES = {name: row for wing in WINGS for name, row in wing.EDGES.items()}

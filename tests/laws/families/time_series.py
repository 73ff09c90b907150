"""Families of whole series."""

import virgil.distributions as dist
from tests.laws.families.row import TRIPLES, Row, numbers

# the two earliest leaves are alike, and earlier than the first change of a rate, as densities jump at such times
MULTIVARIATE = {
    "CoalescentTimes": Row(
        dist.CoalescentTimes,
        {"leaf_times": numbers([0.4, 1.3, 0.4], [0.0, 0.0, 0.9]), "rate": numbers(0.7, 1.6)},
        moments=False,
    ),
    "CoalescentTimesWithRate": Row(
        dist.CoalescentTimesWithRate,
        {"leaf_times": numbers([0.4, 1.9, 0.4], [2.7, 0.7, 0.7]), "rate_grid": numbers([0.7, 1.6], [1.9, 0.3])},
        moments=False,
    ),
}

DISCRETE = {
    "DiscreteHMM": Row(
        lambda initial, moves, probs: dist.DiscreteHMM(initial, moves, dist.Bernoulli(probs), duration=3),
        {
            "initial": numbers([0.3, -0.4], [0.0, 1.0]),
            "moves": numbers([[[0.5, -0.5], [0.2, 0.9]]], [[[0.0, 1.0], [-1.0, 0.3]]]),
            "probs": numbers([[0.2, 0.7]], [[0.9, 0.5]]),
        },
        values=TRIPLES[(TRIPLES < 2).all(-1)],
        moments=False,
    ),
}

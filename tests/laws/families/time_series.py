"""Families of whole series."""

import virgil.distributions as dist
from tests.laws.families.row import TRIPLES, Row, numbers

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

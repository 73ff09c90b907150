"""Families of matchings and of trees."""

import itertools

import torch

import virgil.distributions as dist
from tests.laws.families.row import Row, numbers

_PAIRS = list(itertools.combinations(range(4), 2))
# sets of three edges on four vertices that are no triangle
_TREES = [
    sorted(edges, key=lambda edge: edge[::-1])
    for edges in itertools.combinations(_PAIRS, 3)
    if len({vertex for edge in edges for vertex in edge}) == 4
]

DISCRETE = {
    "OneOneMatching": Row(
        dist.OneOneMatching,
        {
            "logits": numbers(
                [[0.3, -1.0, 0.5], [2.0, 0.1, 0.0], [-0.4, 0.7, 1.2]],
                [[0.0, 1.0, -2.0], [0.6, 0.2, 0.9], [1.5, 0.0, 0.3]],
            )
        },
        values=torch.tensor(list(itertools.permutations(range(3)))),
        moments=False,
    ),
    "OneTwoMatching": Row(
        dist.OneTwoMatching,
        {
            "logits": numbers(
                [[0.3, -1.0], [2.0, 0.1], [-0.4, 0.7], [0.0, 1.1]], [[0.0, 1.0], [0.6, 0.2], [1.5, 0.0], [-0.7, 0.4]]
            )
        },
        values=torch.tensor(sorted(set(itertools.permutations([0, 0, 1, 1])))),
        moments=False,
    ),
    "SpanningTree": Row(
        dist.SpanningTree,
        {"edge_logits": numbers([0.3, -1.0, 0.5, 2.0, 0.1, -0.4], [0.0, 1.0, -2.0, 0.6, 0.2, 1.5])},
        values=torch.tensor(_TREES),
        moments=False,
    ),
}

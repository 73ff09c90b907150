"""The matching of fitted topics to true ones."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn.functional import normalize

__all__ = ["best_matching", "similarity"]


def similarity(first: Tensor, second: Tensor) -> Tensor:
    """The cosine of the angle between each row of one and each of the other. Shape: ``(rows, other rows)``."""
    return normalize(first, dim=1) @ normalize(second, dim=1).T


def best_matching(scores: Tensor) -> Tensor:
    """For each row a column of its own, such that the sum of scores is greatest. Exact.

    By dynamic programming over sets of columns, ``n 2^n`` steps: for a handful of rows. A set is a whole number, bit
    by bit; the first so many rows take the columns of a set of that size.

    Shape: ``(n, n)`` to ``(n,)``.
    """
    rows = scores.tolist()
    count = len(rows)
    best = [0.0] + [-torch.inf] * (2**count - 1)
    last = [0] * 2**count
    for taken in range(1, 2**count):
        row = rows[taken.bit_count() - 1]
        for column in range(count):
            if taken >> column & 1 and best[taken ^ 1 << column] + row[column] > best[taken]:
                best[taken], last[taken] = best[taken ^ 1 << column] + row[column], column
    taken, columns = 2**count - 1, [0] * count
    for place in reversed(range(count)):
        columns[place] = last[taken]
        taken ^= 1 << last[taken]
    return torch.tensor(columns)

"""Distinct random indices: a mini-batch without replacement."""

from __future__ import annotations

import torch
from torch import Tensor

__all__ = ["distinct_indices"]

# below this ratio of population to batch, shuffling the whole population is the quicker way
_SPARSE = 64


def distinct_indices(size: int, count: int, device: torch.device | str | None = None) -> Tensor:
    """``count`` distinct indices of ``range(size)``, every subset equally likely.

    Where the batch is a large part of the population the population is shuffled. Where it is small, indices are drawn
    one by one and those seen before are drawn again, which takes time in proportion to ``count`` and not to ``size``.

    Shape: ``(count,)``, int64.
    """
    if count * _SPARSE >= size:
        return torch.randperm(size, device=device)[:count]
    seen = torch.empty(0, dtype=torch.long, device=device)
    while len(seen) < count:
        # only as many as are missing: cutting a longer sorted list would favour small indices
        drawn = torch.randint(size, (count - len(seen),), device=device)
        seen = torch.unique(torch.cat([seen, drawn]))
    return seen

"""Distinct random indices: a mini-batch without replacement."""

from __future__ import annotations

import torch
from torch import Tensor

from virgil.ops.thread_generator import redirected

__all__ = ["distinct_indices"]

# below this ratio of population to batch, shuffling the whole population is the quicker way
_SPARSE = 64


def distinct_indices(size: int, count: int, device: torch.device | str | None = None) -> Tensor:
    """``count`` distinct indices of ``range(size)``, every subset equally likely.

    A large batch is cut from a shuffled population. The indices of a small batch are drawn one by one, and those that
    repeat are drawn again; this takes time in proportion to ``count`` and not to ``size``.

    The draw is one operator, ``torch.ops.virgil.distinct_indices``: a graph holds the draw and not the repetitions. The
    order of the indices has no meaning.

    Shape: ``(count,)``, int64.
    """
    indices: Tensor = torch.ops.virgil.distinct_indices.default(size, count, device=device)
    return indices


def _draw(size: int, count: int, *, device: torch.device | None = None) -> Tensor:
    with redirected():
        return _drawn(size, count, device)


def _drawn(size: int, count: int, device: torch.device | None) -> Tensor:
    if count * _SPARSE >= size:
        return torch.randperm(size, device=device)[:count]
    seen = torch.empty(0, dtype=torch.long, device=device)
    while len(seen) < count:
        # only as many as are missing: cutting a longer sorted list would favour small indices
        drawn = torch.randint(size, (count - len(seen),), device=device)
        seen = torch.unique(torch.cat([seen, drawn]))
    return seen


def _draw_nothing(size: int, count: int, *, device: torch.device | None = None) -> Tensor:
    return torch.empty(count, dtype=torch.long, device=device)


_library = torch.library.Library("virgil", "FRAGMENT")
_library.define(
    "distinct_indices(int size, int count, *, Device? device=None) -> Tensor",
    tags=(torch.Tag.nondeterministic_seeded,),
)
_library.impl("distinct_indices", _draw, "CompositeExplicitAutograd")
torch.library.register_fake("virgil::distinct_indices", _draw_nothing, lib=_library)

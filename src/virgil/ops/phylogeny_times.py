"""The times of a phylogeny: those of its leaves and of its coalescences."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from virgil.errors import ArgumentError

__all__ = ["bio_phylo_to_times"]


def bio_phylo_to_times(tree: Any, *, get_time: Callable[[Any], float] | None = None) -> tuple[Tensor, Tensor]:
    """The times of a tree as Biopython's ``Bio.Phylo`` reads it, for the families of coalescent times.

    A clade with k children is k - 1 coalescences at its time. Of a tree or clade only ``root``, ``clades`` and
    ``branch_length`` are read.

    Args:
        tree: a tree or a clade.
        get_time: the time of a clade; without it, the sum of the branch lengths from the root, which is at time 0.

    Returns:
        the times of the leaves, from left to right, and those of the coalescences, in increasing order. Shape:
        ``(leaves,)`` and ``(leaves - 1,)``.

    Raises:
        ArgumentError: a branch has no length and there is no ``get_time``.

    >>> from types import SimpleNamespace as Clade
    >>> twins = [Clade(clades=[], branch_length=length) for length in (1.0, 2.5)]
    >>> root = Clade(clades=[Clade(clades=twins, branch_length=0.5), Clade(clades=[], branch_length=4.0)])
    >>> bio_phylo_to_times(Clade(root=root))
    (tensor([1.5000, 3.0000, 4.0000]), tensor([0.0000, 0.5000]))
    """
    leaf_times: list[float] = []
    coal_times: list[float] = []
    ahead: list[tuple[Any, float]] = [(tree.root, 0.0)]
    while ahead:
        clade, summed = ahead.pop()
        time = summed if get_time is None else float(get_time(clade))
        if clade.clades:
            coal_times += [time] * (len(clade.clades) - 1)
        else:
            leaf_times.append(time)
        for child in reversed(clade.clades):
            length = 0.0 if get_time is not None else child.branch_length
            if length is None:
                raise ArgumentError(
                    f"A branch of the tree, to {child!s}, has no branch_length. Give it one, or pass get_time=, a "
                    "function from a clade to its time."
                )
            ahead.append((child, summed + length))
    return torch.tensor(leaf_times), torch.tensor(sorted(coal_times))

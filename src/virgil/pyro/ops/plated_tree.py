"""Elimination of dims of packed tensors that stand in a tree of plates, in any ring."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable, Mapping, Sequence
from functools import partial
from typing import Any

import opt_einsum
import torch
from torch import Tensor

from virgil.ops.sum_product import connected
from virgil.pyro.ops.packed import dims_of, named
from virgil.pyro.ops.rings import LogRing, Ordinal, Ring

__all__ = ["Tree", "contract_tensor_tree", "contract_to_tensor"]

Tree = OrderedDict[Ordinal, list[Tensor]]


def contract_tensor_tree(
    tensor_tree: Mapping[Ordinal, Sequence[Tensor]],
    sum_dims: Iterable[str],
    cache: Any = None,
    ring: Ring | None = None,
) -> Tree:
    """Eliminate dims of packed tensors that stand in plates, innermost plates first.

    Args:
        tensor_tree: by the set of its plates, the tensors in it.
        sum_dims: the dims to eliminate.
        cache: not read.
        ring: how they are eliminated; by sums of numbers given as logarithms, if not given.

    Returns:
        Tensors without those dims. A plate is multiplied over only where a dim outside it needs that.

    Raises:
        NotImplementedError: dims of plates that cross meet in a tensor, so that time would be exponential.
    """
    ring, sum_dims = ring or LogRing(), frozenset(sum_dims)
    local: dict[str, Ordinal] = {}
    for ordinal, terms in tensor_tree.items():
        for dim in sum_dims.intersection("".join(map(dims_of, terms))):
            local[dim] = local.get(dim, ordinal) & ordinal
    waiting = {ordinal: list(terms) for ordinal, terms in tensor_tree.items() if terms}
    finished: Tree = OrderedDict()
    while waiting:
        leaf = max(waiting, key=lambda ordinal: (len(ordinal), sorted(ordinal)))
        here = frozenset(dim for dim, ordinal in local.items() if ordinal == leaf)
        for component in connected(waiting.pop(leaf), partial(_shared, here)):
            term = ring.sumproduct(component, here)
            above = [local[dim] for dim in dims_of(term) if dim in local]
            parent = frozenset[str]().union(*above)
            if not above:
                finished.setdefault(leaf, []).append(term)
            elif parent == leaf:
                raise NotImplementedError(
                    f"Dims of the plates {sorted(map(sorted, above))}, which cross, meet in a tensor. Make the plates "
                    "a tree: write one of them as a loop."
                )
            else:
                waiting.setdefault(parent, []).append(ring.product(term, leaf - parent))
    return finished


def _shared(dims: frozenset[str], term: Tensor) -> frozenset[str]:
    return dims.intersection(dims_of(term))


def contract_to_tensor(
    tensor_tree: Mapping[Ordinal, Sequence[Tensor]],
    sum_dims: Iterable[str],
    target_ordinal: Ordinal | None = None,
    target_dims: Iterable[str] | None = None,
    cache: Any = None,
    ring: Ring | None = None,
) -> Tensor:
    """Eliminate dims of packed tensors that stand in plates, all but some, and multiply over plates.

    A dim that is kept and is local to plates is a variable for each of their slots: the result has, for each slot, the
    total as a function of the variable of that slot.

    Args:
        tensor_tree: by the set of its plates, the tensors in it.
        sum_dims: the dims to eliminate, and those to keep.
        target_ordinal: the plates that the result has.
        target_dims: the dims to keep.
        cache: not read.
        ring: how dims are eliminated; by sums of numbers given as logarithms, if not given.

    Raises:
        ValueError: a dim is kept without its plates.
        NotImplementedError: time would be exponential.
    """
    ring, kept, target = ring or LogRing(), frozenset(target_dims or ()), target_ordinal or frozenset()
    tree = {ordinal: list(terms) for ordinal, terms in tensor_tree.items()}
    every = [term for terms in tree.values() for term in terms]
    sizes = {dim: size for term in every for dim, size in zip(dims_of(term), term.shape, strict=True)}
    fresh: dict[str, str] = {}
    summed = frozenset(sum_dims) - kept
    for dim in sorted(kept):
        holding = [ordinal for ordinal, terms in tree.items() if any(dim in dims_of(term) for term in terms)]
        plates = frozenset.intersection(*holding) if holding else frozenset[str]()
        if not plates <= target:
            raise ValueError(
                f"A result with the dim {dim!r} needs its plates {sorted(plates)}, and has {sorted(target)}."
            )
        if plates:
            for each in (dim, *sorted(plates)):
                fresh.setdefault(each, opt_einsum.get_symbol(1000 + len(fresh)))
            tree[plates].append(_slot_of(dim, sorted(plates), fresh, sizes, ring, every[0]))
            summed |= {dim}
    parts = contract_tensor_tree(tree, summed, ring=ring)
    total = ring.sumproduct([ring.product(term, plates) for plates, terms in parts.items() for term in terms], ())
    old = {new: name for name, new in fresh.items()}
    total = named(total, "".join(old.get(dim, dim) for dim in dims_of(total)))
    lacking = sorted(target - set(dims_of(total)))
    wide = total.expand((*(sizes[dim] for dim in lacking), *total.shape))
    return named(wide, "".join(lacking) + dims_of(total))


def _slot_of(
    dim: str, plates: list[str], fresh: Mapping[str, str], sizes: Mapping[str, int], ring: Ring, like: Tensor
) -> Tensor:
    """One where a variable has the value of its copy, in the slot of the copy; and one in all other slots."""
    counts = [sizes[plate] for plate in plates]
    slots = torch.eye(int(torch.tensor(counts).prod()), dtype=torch.bool, device=like.device)
    values = torch.eye(sizes[dim], dtype=torch.bool, device=like.device)
    allowed = ~slots[:, :, None, None] | values
    logs = torch.where(allowed, ring.one, ring.zero).to(like.dtype)
    names = "".join(plates) + "".join(fresh[plate] for plate in plates) + dim + fresh[dim]
    return named(logs.reshape(*counts, *counts, sizes[dim], sizes[dim]), names)

"""Finiteness of parameters and of an optimiser's memory, with which a next step begins."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence

import torch
from torch import Tensor

from virgil.ops.foreach import foreach
from virgil.params import get_param_store
from virgil.params.constraint import find_transform

__all__ = ["FAR", "are_finite", "first_not_finite", "not_finite_parameter", "transformed"]

FAR = 40.0
"""How far from zero a leaf may be without a look at the parameter's value: exp(40) squared is a number still."""

Transform = Callable[[Tensor], Tensor]


def transformed(leaves: Mapping[str, Tensor]) -> dict[str, Transform]:
    """By name, the maps from leaf to value; one may overflow where the leaf does not."""
    store = get_param_store()
    maps = {name: find_transform(name, store.constraint(name)) for name in leaves if name in store}
    return {name: each for name, each in maps.items() if each is not None}


def are_finite(leaves: Mapping[str, Tensor], transforms: Mapping[str, Transform], memory: Sequence[Tensor]) -> bool:
    """True if parameters, their values, and an optimiser's memory of them are finite."""
    tensors = {name: each for name, each in leaves.items() if each.is_floating_point()}
    others = [each for each in memory if each.is_floating_point()]
    norms = _norms([*tensors.values(), *others])
    if all(map(math.isfinite, norms)) and all(
        norm <= FAR for name, norm in zip(tensors, norms, strict=False) if name in transforms
    ):
        return True
    return first_not_finite(memory) is None and not_finite_parameter(leaves, transforms) is None


def first_not_finite(tensors: Sequence[Tensor]) -> int | None:
    """The place of the first tensor that holds NaN or infinity."""
    floating = [place for place, each in enumerate(tensors) if each.is_floating_point() and each.numel()]
    suspects = [
        place for place, norm in zip(floating, _norms(tensors[i] for i in floating), strict=True) if math.isinf(norm)
    ]
    return next((place for place in suspects if not bool(tensors[place].isfinite().all())), None)


def not_finite_parameter(
    leaves: Mapping[str, Tensor], transforms: Mapping[str, Transform]
) -> tuple[str, Tensor] | None:
    """The first parameter whose leaf or value is not finite, with what is not."""
    with torch.no_grad():
        place = first_not_finite(list(leaves.values()))
        if place is not None:
            name, leaf = list(leaves.items())[place]
            value = transforms[name](leaf) if name in transforms else leaf
            return name, leaf if bool(value.isfinite().all()) else value
        names = [name for name in transforms if name in leaves]
        for name, norm in zip(names, _norms(leaves[name] for name in names), strict=True):
            if norm > FAR and not bool((value := transforms[name](leaves[name])).isfinite().all()):
                return name, value
    return None


def _norms(tensors: Iterable[Tensor]) -> list[float]:
    """Euclidean norms, infinite for what holds NaN or infinity."""
    listed = [each.detach() for each in tensors]
    if not listed:
        return []
    norms = torch.stack(foreach("norm", listed)).tolist()
    return [math.inf if math.isnan(norm) else norm for norm in norms]

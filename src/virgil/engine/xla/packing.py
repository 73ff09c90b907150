"""Small tensors of a state side by side in one array: to cross between torch and JAX takes time by the piece."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import prod
from typing import Any

import torch
from torch import Tensor

from virgil.engine.xla.arrays import SMALL

__all__ = ["Packing"]


class Packing:
    """Where each tensor of a state lies: in the array of its dtype, or alone.

    Args:
        examples: tensors with the state's shapes and dtypes.
    """

    def __init__(self, examples: Sequence[Tensor]) -> None:
        self._shapes = [tuple(each.shape) for each in examples]
        groups: dict[torch.dtype, list[int]] = {}
        self._alone: list[int] = []
        for place, each in enumerate(examples):
            (groups.setdefault(each.dtype, []) if each.numel() <= SMALL else self._alone).append(place)
        self._groups = list(groups.values())

    def pack(self, values: Sequence[Any], join: Callable[[list[Any]], Any]) -> list[Any]:
        """The state in few pieces; ``join`` puts flat tensors or arrays one after another."""
        packed = [join([values[place].reshape(-1) for place in group]) for group in self._groups]
        return packed + [values[place] for place in self._alone]

    def unpack(self, packed: Sequence[Any]) -> list[Any]:
        """The state again: views where the pieces are tensors."""
        values: list[Any] = [None] * len(self._shapes)
        for group, flat in zip(self._groups, packed, strict=False):
            start = 0
            for place in group:
                end = start + prod(self._shapes[place])
                values[place] = flat[start:end].reshape(self._shapes[place])
                start = end
        for place, value in zip(self._alone, packed[len(self._groups) :], strict=True):
            values[place] = value
        return values

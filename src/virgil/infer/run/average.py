"""The mean of the parameters over the last steps of a run."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import torch
from torch import Tensor

from virgil.params import get_param_store

__all__ = ["Average"]


class Average:
    """Averages unconstrained parameters over steps *(Polyak and Juditsky 1992; Dhaka et al. 2020, section 3.3)*.

    Attributes:
        count: steps averaged over.
    """

    def __init__(self) -> None:
        self.count = 0
        self._sums: dict[str, Tensor] = {}

    def add_present(self, names: Iterable[str]) -> None:
        """Count in the values that the store holds now."""
        store = get_param_store()
        held = [name for name in names if name in store]
        self.add(held, [store.unconstrained(name).detach() for name in held], 1)

    def add(self, names: Sequence[str], sums: Sequence[Tensor], count: int) -> None:
        """Count in the sums of values over ``count`` steps."""
        for name, each in zip(names, sums, strict=True):
            before = self._sums.get(name)
            self._sums[name] = each.double() if before is None else before.add_(each)
        self.count += count

    def write(self) -> None:
        """Give the store the means."""
        store = get_param_store()
        with torch.no_grad():
            for name, each in self._sums.items():
                store.unconstrained(name).copy_(each / self.count)

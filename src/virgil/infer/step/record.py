"""The record of a run: loss and gradient norms of each step."""

from __future__ import annotations

import math
from array import array
from collections.abc import Iterable, Mapping

import numpy as np
import torch
from torch import Tensor

__all__ = ["Record"]


class Record:
    """Loss and gradient norms, one row a step; a parameter that appears late has norm 0 before.

    Norms of a stretch are kept as a tensor until they are asked for, so that recording waits for no device.
    """

    def __init__(self) -> None:
        self._losses = array("d")
        self.names: dict[str, None] = {}
        self._norms: dict[str, list[tuple[int, float]]] = {}
        self._stretches: list[tuple[int, list[str], Tensor]] = []

    @property
    def num_steps(self) -> int:
        """How many steps have been recorded."""
        return len(self._losses)

    @property
    def last(self) -> float:
        """The loss of the last step, nats; NaN before the first."""
        return self._losses[-1] if self._losses else math.nan

    def extend(self, losses: Tensor, names: list[str], norms: Tensor) -> None:
        """Record a stretch of steps: losses, nats, and a column of gradient norms for each name."""
        self.names.update(dict.fromkeys(names))
        self._stretches.append((len(self._losses), names, norms))
        self._losses.frombytes(losses.double().numpy(force=True).tobytes())

    def add(self, loss: float, names: Iterable[str], norms: Mapping[str, float]) -> None:
        """Record a step: the loss, nats, the parameters that were read, and the norms of their gradients."""
        step = len(self._losses)
        self.names.update(dict.fromkeys(names))
        for name, norm in norms.items():
            self._norms.setdefault(name, []).append((step, norm))
        self._losses.append(loss)

    def losses(self, last: int | None = None) -> Tensor:
        """The losses of all steps, or of the ``last`` so many, nats. Shape: ``(steps,)``."""
        taken = self._losses if last is None else self._losses[-last:]
        return torch.from_numpy(np.array(taken)).to(torch.get_default_dtype())

    def gradient_norms(self) -> dict[str, Tensor]:
        """The norms by parameter, float32. Shape: ``(steps,)`` each."""
        table = {name: torch.zeros(len(self._losses), dtype=torch.float32) for name in self.names}
        for name, entries in self._norms.items():
            steps = torch.tensor([step for step, _ in entries])
            table[name][steps] = torch.tensor([norm for _, norm in entries], dtype=torch.float32)
        for start, names, stretch in self._stretches:
            for name, column in zip(names, stretch.unbind(1), strict=True):
                table[name][start : start + len(column)] = column.float()
        return table

    def pack(self) -> tuple[dict[str, Tensor], list[str]]:
        """The record as named tensors and the parameters' names."""
        table = self.gradient_norms()
        norms = {str(place): each for place, each in enumerate(table.values())}
        return {"losses": torch.from_numpy(np.array(self._losses)), **norms}, list(table)

    def unpack(self, tensors: dict[str, Tensor], names: list[str]) -> None:
        """Begin with what :meth:`pack` packed."""
        columns = [tensors[str(place)] for place in range(len(names))]
        losses = tensors["losses"]
        self.extend(losses, names, torch.stack(columns, 1) if columns else losses.new_zeros((len(losses), 0)))

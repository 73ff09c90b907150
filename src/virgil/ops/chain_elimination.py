"""Elimination of variables that form a chain along a dim: each slot begins where the slot before it has ended."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass

import torch
from torch import Tensor

from virgil.ops.chain_product import chain_product
from virgil.ops.factor import Factor
from virgil.ops.semiring import Semiring

__all__ = ["Chain"]


@dataclass(frozen=True, slots=True)
class Chain:
    """A chain of variables along a dim whose slots are steps.

    Attributes:
        dim: its name.
        windows: for each variable its names inside a slot: the first for ``history`` steps before the slot's own step,
            the last for that step. Each name is the same variable, one slot later than the name before it.
        starts: its names in the ``history`` steps before the first slot, from the earliest on.
    """

    dim: str
    windows: tuple[tuple[str, ...], ...]
    starts: tuple[tuple[str, ...], ...]

    @property
    def names(self) -> list[tuple[str, ...]]:
        """All names of each variable."""
        return [window + start for window, start in zip(self.windows, self.starts, strict=True)]

    def linked(self, dims: Iterable[str]) -> frozenset[str]:
        """The window names of the variables that link slots, among factors with these dims.

        A variable links slots if a factor has one of its earlier names.
        """
        dims = frozenset(dims)
        return frozenset(name for window in self.windows if not dims.isdisjoint(window[:-1]) for name in window)

    def eliminated(self, factor: Factor, semiring: Semiring) -> Factor:
        """The product over all slots. Of the linked variables, those of the steps before the first slot remain.

        A slot looks back some number of steps. A state of the chain is the joint value of the linked variables in that
        many successive steps, and a slot is a matrix from one state to the next. Two successive states share steps; the
        matrix is zero where they differ there.

        Args:
            factor: over the dim, linked variables, and batch dims.
            semiring: how a variable is eliminated.
        """
        linked = self.linked(factor.dims)
        pairs = [each for each in zip(self.windows, self.starts, strict=True) if each[0][-1] in linked]
        history = max(
            len(window) - 1 - window.index(name) for window, _ in pairs for name in window if name in factor.dims
        )
        windows = [window[place] for place in range(-history - 1, 0) for window, _ in pairs]
        starts = [start[place] for place in range(-history, 0) for _, start in pairs]
        sizes = [next(factor.size(name) for name in window if name in factor.dims) for window, _ in pairs]
        batch = tuple(dim for dim in factor.dims if dim != self.dim and dim not in linked)
        kept = [factor.size(dim) for dim in batch]
        logs = factor.aligned((*batch, self.dim, *windows))
        logs = logs.expand(*kept, factor.size(self.dim), *sizes * (history + 1))
        states = math.prod(sizes)
        slots = logs.reshape(*kept, -1, states, states ** (history - 1), states)
        total = semiring.reduce(chain_product(_matrices(slots), semiring), (-1,))
        return Factor(total.reshape(*kept, *sizes * history), (*batch, *starts))


def _matrices(slots: Tensor) -> Tensor:
    """Slots as matrices: rows for all steps but the last, columns for all steps but the first.

    Entries are zero where row and column differ in the steps that they share. Shape: ``(*batch, a, b, a)`` for the
    earliest step, the steps between and the last step, to ``(*batch, a * b, b * a)``.
    """
    ends, between = slots.shape[-1], slots.shape[-2]
    same = torch.eye(between, dtype=torch.bool, device=slots.device).unsqueeze(-1)
    moves = torch.where(same, slots.unsqueeze(-2), -torch.inf) if between > 1 else slots.unsqueeze(-2)
    return moves.reshape(*slots.shape[:-3], ends * between, between * ends)

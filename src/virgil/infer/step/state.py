"""The state of a step of SVI: parameters, networks' buffers, the optimiser's memory."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from virgil.infer.density.reads import Found, finding, reads_of
from virgil.ops.foreach import foreach
from virgil.optim.functional_step import Memory, memory_of

__all__ = ["Found", "State", "finding", "state_of"]


@dataclass
class State:
    """The tensors of a step, by what they are; none is a copy.

    Attributes:
        leaves: each distinct leaf, by its first name.
        aliases: other names of a leaf, and its first.
        buffers: of the networks.
        memory: of the optimiser.
    """

    leaves: dict[str, Tensor]
    aliases: dict[str, str]
    buffers: list[Tensor]
    memory: Memory

    def tensors(self) -> list[Tensor]:
        """All of them, in an order of their own."""
        return flattened(self.leaves, self.buffers, self.memory)

    def write(self, values: list[Tensor]) -> None:
        """Give all of them new values, in place."""
        with torch.no_grad():
            foreach("copy_", self.tensors(), values)

    def split(self, values: list[Any]) -> tuple[dict[str, Any], list[Any], dict[str, dict[str, Any]]]:
        """The row that :meth:`tensors` made, as leaves, buffers and memory again."""
        given = iter(values)
        leaves = {name: next(given) for name in self.leaves}
        buffers = [next(given) for _ in self.buffers]
        memory = {name: {key: next(given) for key in entries} for name, entries in self.memory.items()}
        return leaves, buffers, memory


def flattened(leaves: dict[str, Tensor], buffers: list[Tensor], memory: Memory) -> list[Tensor]:
    """Leaves, buffers and memory in a row."""
    return [*leaves.values(), *buffers, *(each for entries in memory.values() for each in entries.values())]


def state_of(found: Found, optimizer: torch.optim.Optimizer) -> State:
    """The state of a step that reads what was found."""
    reads = reads_of(found)
    return State(reads.leaves, reads.aliases, reads.buffers, memory_of(optimizer, reads.leaves))

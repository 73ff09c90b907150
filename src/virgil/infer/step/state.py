"""What a step of SVI reads and changes: parameters, networks' buffers, what the optimiser remembers."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor, nn

from virgil.infer.density.buffers import buffers_of
from virgil.infer.density.read_parameters import ReadParameters
from virgil.nn.call import noting
from virgil.nn.tree import is_program
from virgil.ops.foreach import foreach
from virgil.ops.forward_hooks import watching_calls
from virgil.optim.pure import Memory, memory_of

__all__ = ["Found", "State", "finding", "state_of"]


@dataclass
class Found:
    """What a run of the programs has been seen to use.

    Attributes:
        leaves: unconstrained leaves by name.
        modules: every network that was called, and the ``PyroModule`` inside them, whose attributes may have been read.
    """

    leaves: dict[str, Tensor] = field(default_factory=dict)
    modules: list[nn.Module] = field(default_factory=list)

    @property
    def training(self) -> tuple[bool, ...]:
        """Which of the networks are in training mode."""
        return tuple(module.training for module in self.modules)


@contextmanager
def finding() -> Iterator[Found]:
    """A block that finds which parameters this thread reads and which networks it calls."""
    modules: dict[int, nn.Module] = {}
    found = Found()

    def note(module: nn.Module) -> None:
        modules[id(module)] = module

    try:
        with watching_calls(note), ReadParameters() as read, noting(modules):
            yield found
    finally:
        inside = {id(each): each for module in modules.values() for each in module.modules() if is_program(each)}
        found.leaves, found.modules = read.leaves, list({**modules, **inside}.values())


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
        """What :meth:`tensors` has put in a row, as leaves, buffers and memory again."""
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
    names: dict[int, str] = {}
    leaves, aliases = {}, {}
    for name, leaf in found.leaves.items():
        first = names.setdefault(id(leaf), name)
        if first == name:
            leaves[name] = leaf
        else:
            aliases[name] = first
    return State(leaves, aliases, buffers_of(found.modules), memory_of(optimizer, leaves))

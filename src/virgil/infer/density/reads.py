"""Parameters and networks that a computation reads, and the same computation on other tensors in their place."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

from torch import Tensor, nn

from virgil import settings
from virgil.distributions.core.validation import unchecked_by_torch
from virgil.engine.recording.swap import Swapped
from virgil.infer.density.buffers import buffers_of
from virgil.infer.density.read_parameters import ReadParameters
from virgil.nn.call import noting
from virgil.nn.tree import is_program
from virgil.ops.forward_hooks import watching_calls
from virgil.params import get_param_store

__all__ = ["Found", "Reads", "finding", "in_place_of", "reads_of"]


@dataclass
class Found:
    """The parameters and networks that a run of the programs has used.

    Attributes:
        leaves: unconstrained leaves by name.
        modules: every network that was called, and the ``PyroModule`` inside them, whose attributes may have been read.
    """

    leaves: dict[str, Tensor] = field(default_factory=dict)
    modules: list[nn.Module] = field(default_factory=list)

    @property
    def training(self) -> tuple[bool, ...]:
        """The training mode of each network."""
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


@dataclass(frozen=True, eq=False)
class Reads:
    """The tensors that programs read besides their arguments; none is a copy.

    Attributes:
        leaves: each distinct leaf, by its first name.
        aliases: other names of a leaf, and its first.
        buffers: of the networks.
    """

    leaves: dict[str, Tensor]
    aliases: dict[str, str]
    buffers: list[Tensor]

    @property
    def tensors(self) -> list[Tensor]:
        """All of them in a row."""
        return [*self.leaves.values(), *self.buffers]


def reads_of(found: Found) -> Reads:
    """The tensors of what was found."""
    names: dict[int, str] = {}
    leaves, aliases = {}, {}
    for name, leaf in found.leaves.items():
        first = names.setdefault(id(leaf), name)
        if first == name:
            leaves[name] = leaf
        else:
            aliases[name] = first
    return Reads(leaves, aliases, buffers_of(found.modules))


@contextmanager
def in_place_of(reads: Reads, leaves: Mapping[str, Tensor], buffers: Sequence[Tensor]) -> Iterator[None]:
    """A block in which all that holds the tensors of ``reads`` sees these instead, unchecked: for capture."""
    names = {**{name: name for name in reads.leaves}, **reads.aliases}
    pairs = [(reads.leaves[name], leaves[name]) for name in reads.leaves]
    substitutes = {name: leaves[first] for name, first in names.items()}
    with (
        settings.context(validate=False),
        unchecked_by_torch(),
        get_param_store().substituted(substitutes),
        Swapped([*pairs, *zip(reads.buffers, buffers, strict=True)]),
    ):
        yield

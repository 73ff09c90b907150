"""Records of the plates and of the steps of Markov chains around a statement."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import torch

from virgil.errors import ShapeError

__all__ = ["Block", "ChainStep", "Frame", "in_other_rounds", "plates_shape", "rounds_of"]


class Frame:
    """One plate around a statement: conditional independence along ``dim``.

    Attributes:
        name: the plate's name.
        dim: the negative batch dim it occupies; ``None`` when the plate is iterated instead.
        size: slots in this execution, the mini-batch.
        full_size: slots in the whole plate.
        counter: the slot at hand when iterated, else 0.
        weight: ``full_size / size``, the factor that makes a sum over the mini-batch an unbiased estimate of the whole.
        particle: whether the dim holds the particles of an objective, and no plate of the program's own.
    """

    __slots__ = ("counter", "dim", "full_size", "name", "particle", "size", "weight")

    def __init__(
        self,
        name: str,
        dim: int | None,
        size: int,
        full_size: int | None = None,
        counter: int = 0,
        particle: bool = False,
    ) -> None:
        self.name = name
        self.dim = dim
        self.size = size
        self.full_size = size if full_size is None else full_size
        self.counter = counter
        self.weight = self.full_size / size if size else 1.0
        self.particle = particle

    @property
    def vectorized(self) -> bool:
        """True if the plate occupies a dim, false if it is iterated."""
        return self.dim is not None

    def values_in(self, batch_shape: Sequence[int]) -> int:
        """The number of values that a batch of this shape has along the plate: one for each slot, or 1 for all."""
        return batch_shape[self.dim] if self.dim is not None and len(batch_shape) >= -self.dim else 1

    def _key(self) -> tuple[object, ...]:
        return (self.name, self.dim, self.size, self.full_size, self.counter)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Frame) and self._key() == other._key()

    def __hash__(self) -> int:
        return hash(self._key())

    def __repr__(self) -> str:
        return f"Frame({self.name!r}, dim={self.dim}, size={self.size}, full_size={self.full_size})"


@dataclass(frozen=True, slots=True)
class Block:
    """Several successive steps of a Markov chain that are stated at once, along a dim.

    Attributes:
        plate: the name of the frame along the dim.
        dim: the batch dim of which each slot is a step.
        first: the first of the steps.
        size: the number of steps.
        is_copy: whether it only gives the next block the values that this depends on. Another block has its density.
    """

    plate: str
    dim: int
    first: int
    size: int
    is_copy: bool

    @property
    def label(self) -> str:
        """The text that stands for the steps in a site's name."""
        return f"{self.first}:{self.first + self.size}"

    def name_at(self, name: str, step: int) -> str:
        """The name that a site of the block has where a step is stated alone."""
        return name.replace(self.label, str(step))

    def names(self, name: str) -> list[str]:
        """The names that a site of the block has where its steps are stated one by one."""
        return [self.name_at(name, step) for step in range(self.first, self.first + self.size)]


class ChainStep(NamedTuple):
    """One step of a Markov chain around a statement, or a block of them.

    Attributes:
        chain: an object of the chain's own, which tells it from other chains.
        number: the step, counted from 0.
        history: how many steps back a statement may depend on.
        keep: whether branches that split inside the chain see each other.
        dim: the dim that is kept free for blocks of steps; ``None`` for a chain without blocks.
        block: the block of steps that this stands for, if any; ``number`` then goes on counting with blocks.
    """

    chain: object
    number: int
    history: int
    keep: bool
    dim: int | None = None
    block: Block | None = None


def rounds_of(frames: Sequence[Frame]) -> dict[str, int]:
    """The round of each iterated plate, by name."""
    return {frame.name: frame.counter for frame in frames if frame.dim is None}


def in_other_rounds(rounds: Mapping[str, int], others: Mapping[str, int]) -> bool:
    """True if two statements lie in different rounds of an iterated plate, and so are independent."""
    return any(others.get(name, number) != number for name, number in rounds.items())


def plates_shape(site: str, shape: Sequence[int], frames: Sequence[Frame]) -> torch.Size:
    """A batch shape with each plate's dim widened to the plate's size.

    Raises:
        ShapeError: the shape has, at a plate's dim, a size that is neither 1 nor the plate's.
    """
    sizes = list(shape)
    for frame in frames:
        dim = frame.dim
        if dim is None:
            continue
        if len(sizes) < -dim:
            sizes[:0] = [1] * (-dim - len(sizes))
        if sizes[dim] == 1:
            sizes[dim] = frame.size
        elif sizes[dim] != frame.size:
            whole = "Index by the plate's indices what has its full size, or " if sizes[dim] == frame.full_size else ""
            make = "make" if whole else "Make"
            raise ShapeError(
                f"At site {site!r}, the distribution's batch shape {tuple(shape)} has size {sizes[dim]} at dim {dim}, "
                f"where plate {frame.name!r} has size {frame.size}. {whole}{make} it {frame.size} or 1, "
                "give the plate another dim, or declare the dim part of the event with .to_event(...).",
                site=site,
            )
    return torch.Size(sizes)

"""``PlatedStep``: one variable of a guide that draws its variables one after another, in blocks."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple

from torch import Tensor

from virgil.infer.autoguide.core.alignment import blocks, unblocked
from virgil.infer.autoguide.core.latent import Latent
from virgil.infer.autoguide.core.plates import Batches
from virgil.ops.plated_elimination import Stage

__all__ = ["Numbers", "PlatedStep"]


class Numbers(NamedTuple):
    """The parameters of a variable in a call, with all batch dims.

    Attributes:
        loc: Shape: ``(*batch, *event)``.
        scale: Shape: ``(*batch, *event)``.
        factor: Shape: ``(*slots, m, m)``; ``None`` for the identity.
        weight: Shape: ``(*slots, m, numbers that a block depends on)``; ``None`` where there are none.
        entries: true for numbers that are no data; ``None`` where none are. Shape: ``(*slots, m)``.
    """

    loc: Tensor
    scale: Tensor
    factor: Tensor | None
    weight: Tensor | None
    entries: Tensor | None


@dataclass(frozen=True, slots=True, eq=False)
class PlatedStep:
    """A variable, the plates of whose slots each has a block of numbers, and the variables that a block depends on.

    Values have the batch dims of the variable with most, so that their plates' dims are in the same places.

    Attributes:
        latent: the variable.
        dims: how many batch dims.
        kept: those of the plates whose slots have blocks of their own.
        plates: the names of these plates.
        others: the variables that a block depends on, each with the batch dims along which slots meet slots.
        joined: the plates whose slots meet all together somewhere, so that no mini-batch of them can be drawn.
        shape: of an unconstrained value, plates at full size: ``(*batch, *event)``.
        kept_numbers: true for numbers of the blocks that are no data; ``None`` where none are.
            Shape: ``(*slots, m)``.
    """

    latent: Latent
    dims: int
    kept: tuple[int, ...]
    plates: frozenset[str]
    others: tuple[tuple[Latent, tuple[int, ...]], ...]
    joined: frozenset[str]
    shape: tuple[int, ...]
    kept_numbers: Tensor | None

    @classmethod
    def of(cls, stage: Stage, latents: Mapping[str, Latent], dims: int) -> PlatedStep:
        """The step that draws what an elimination has summed out at this stage."""
        latent = latents[stage.name]
        joined = _plates_of(latent) - stage.plates
        others = []
        for name, along in stage.others:
            others.append((latents[name], _dims_of(latents[name], along)))
            joined |= _plates_of(latents[name]) - along
        kept, entries = _dims_of(latent, stage.plates), latent.latent_entries
        shape = _widened(latent, latent.unconstrained, dims).shape
        if entries is not None:
            event_dim = latent.bijection.unconstrained_event_dim
            entries = blocks(_widened(latent, entries, dims), dims, event_dim, kept)
        return cls(latent, dims, kept, stage.plates, tuple(others), joined, shape, entries)

    @property
    def event_dim(self) -> int:
        """How many event dims the unconstrained value has."""
        return self.latent.bijection.unconstrained_event_dim

    def widened(self, value: Tensor) -> Tensor:
        """An unconstrained value, or what has its shape, with all batch dims. Shape: ``(*batch, *event)``."""
        return _widened(self.latent, value, self.dims)

    def blocked(self, value: Tensor) -> Tensor:
        """The blocks of a value of the variable. Shape: ``(*lead, *batch, *event)`` to ``(*lead, *slots, numbers)``."""
        return blocks(value, self.dims, self.event_dim, self.kept)

    def inputs(self, values: Mapping[str, Tensor]) -> list[Tensor]:
        """The numbers that each block depends on, one variable at a time. Shape: ``(*lead, *slots, numbers)``."""
        return [
            blocks(values[other.name], self.dims, other.bijection.unconstrained_event_dim, along)
            for other, along in self.others
        ]

    def value(self, noise: Tensor, values: Mapping[str, Tensor], numbers: Numbers) -> Tensor:
        r"""The value :math:`L \epsilon + \sum_j W_j z_j`, and zero where the variable is data.

        Args:
            noise: zero where the variable is data. Shape: ``(*lead, *slots, m)``.
            values: of the variables before it.
            numbers: the parameters.
        """
        factor, weight, entries = numbers.factor, numbers.weight, numbers.entries
        total = noise if factor is None else _product(factor, noise)
        if weight is not None:
            inputs = self.inputs(values)
            for part, each in zip(weight.split([each.shape[-1] for each in inputs], -1), inputs, strict=True):
                total = total + _product(part, each.to(part.dtype))
        total = total if entries is None else total * entries
        return unblocked(total, self.shape, self.dims, self.kept)

    def entries(self, batches: Batches | None) -> Tensor | None:
        """The kept numbers of a mini-batch, or without plates those of all slots."""
        entries = self.kept_numbers
        return entries if entries is None or batches is None else self.cut(entries, 1, batches)

    def cut(self, tensor: Tensor, event_dim: int, batches: Batches) -> Tensor:
        """The mini-batch of a tensor that has all slots of the blocks' plates."""
        for frame in self.latent.frames:
            if frame.dim is not None and frame.name in self.plates:
                indices = batches[frame.name][1]
                if indices is not None:
                    tensor = tensor.index_select(frame.dim - event_dim, indices)
        return tensor


def _plates_of(latent: Latent) -> frozenset[str]:
    return frozenset(frame.name for frame in latent.frames if frame.dim is not None)


def _dims_of(latent: Latent, plates: frozenset[str]) -> tuple[int, ...]:
    return tuple(sorted(frame.dim for frame in latent.frames if frame.dim is not None and frame.name in plates))


def _widened(latent: Latent, value: Tensor, dims: int) -> Tensor:
    return value.reshape((*(1,) * (dims - len(latent.batch_shape)), *value.shape))


def _product(matrix: Tensor, vector: Tensor) -> Tensor:
    """The product in each slot. Shapes: ``(*slots, m, d)`` and ``(*lead, *slots, d)`` to ``(*lead, *slots, m)``."""
    if matrix.shape[-2] == 1:
        return (matrix.squeeze(-2) * vector).sum(-1, keepdim=True)
    if matrix.shape[:-2].numel() == 1:  # one matrix for all particles
        return vector @ matrix.reshape(matrix.shape[-2:]).mT
    product: Tensor = (matrix @ vector.unsqueeze(-1)).squeeze(-1)
    return product

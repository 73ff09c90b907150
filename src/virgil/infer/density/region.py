"""``Region``: the entries of memory that a tensor shows."""

from __future__ import annotations

import functools
from typing import NamedTuple, Self

import torch
from torch import Tensor

__all__ = ["Region"]

_LISTED = 2**20  # entries of a region that are listed to find out whether two meet


class Region(NamedTuple):
    """The entries of memory that a tensor from outside a program shows, such as a row of the data.

    Attributes:
        memory: the address of its storage.
        item: bytes of an entry.
        offset: of its first entry, counted in entries.
        size: its shape.
        stride: entries from one index to the next.
    """

    memory: int
    item: int
    offset: int
    size: tuple[int, ...]
    stride: tuple[int, ...]

    @classmethod
    def of(cls, tensor: Tensor) -> Self:
        """The region of a tensor; one that is not dense in memory counts as a single entry of its own."""
        if tensor.layout != torch.strided:
            return cls(id(tensor), 1, 0, (1,), (1,))
        memory = tensor.untyped_storage().data_ptr()
        return cls(memory, tensor.element_size(), int(tensor.storage_offset()), tuple(tensor.shape), tensor.stride())

    @property
    def bounds(self) -> tuple[int, int]:
        """The first byte, and the one behind the last."""
        last = sum((size - 1) * stride for size, stride in zip(self.size, self.stride, strict=True))
        return self.item * self.offset, self.item * (self.offset + last + 1)

    @property
    def entries(self) -> int:
        """How many entries."""
        return torch.Size(self.size).numel()

    def meets(self, other: Region) -> bool:
        """True if the two share an entry; taken to be so where they are large and interlocked."""
        if self.memory != other.memory or not self.memory or not self.entries or not other.entries:
            return False
        (first, last), (other_first, other_last) = self.bounds, other.bounds
        if last <= other_first or other_last <= first:
            return False
        if self.item != other.item or max(self.entries, other.entries) > _LISTED:
            return True
        return _share_an_entry(self, other)


@functools.lru_cache(maxsize=2**14)
def _share_an_entry(one: Region, other: Region) -> bool:
    return bool(torch.isin(_entries(one), _entries(other)).any())


def _entries(region: Region) -> Tensor:
    entries = torch.tensor(region.offset)
    for size, stride in zip(region.size, region.stride, strict=True):
        entries = entries.unsqueeze(-1) + stride * torch.arange(size)
    return entries.flatten()

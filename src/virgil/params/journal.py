"""A record of changes to a store, by which they are taken back."""

from __future__ import annotations

import torch
from torch import Tensor

from virgil.params.entry import Entry

__all__ = ["Journal"]


class Journal:
    """The changes made to a store's entries and tensors, so that they can be taken back."""

    def __init__(self) -> None:
        self._changes: list[tuple[str, Entry | None, Entry | None] | tuple[Tensor, Tensor]] = []

    def record_entry(self, name: str, before: Entry | None, after: Entry | None) -> None:
        """Note that ``name`` is about to change."""
        self._changes.append((name, before, after))

    def record_values(self, tensor: Tensor) -> None:
        """Note that ``tensor`` is about to be written to."""
        self._changes.append((tensor, tensor.detach().clone()))

    def take_back(self, entries: dict[str, Entry]) -> None:
        """Put entries and tensors back as they were, the last change first."""
        for change in reversed(self._changes):
            if len(change) == 2:
                with torch.no_grad():
                    change[0].copy_(change[1])
                continue
            name, before, after = change
            if entries.get(name) is not after:  # another thread has changed it since: its change stands
                continue
            if before is None:
                entries.pop(name, None)
            else:
                entries[name] = before

"""The entries of a store, and blocks of a thread that has others: scopes, discarded changes, substituted leaves.

A block belongs to the thread that enters it. Other threads on the same store see and change the shared entries.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

import torch
from torch import Tensor

from virgil.errors import MissingParamError, ParamError, did_you_mean
from virgil.params import message
from virgil.params.entry import Entry

__all__ = ["Entries"]

_counting = threading.Lock()  # guards the counts of blocks

Written = list[tuple[Tensor, Tensor]]  # a tensor, and a copy of what it was


class _ThreadState(threading.local):
    """The blocks of the running thread in one store."""

    entries: dict[str, Entry] | None = None  # that replace the shared ones
    written: Written | None = None
    substitution: Mapping[str, Tensor] | None = None


class Entries:
    """The entries of a store, by name.

    Attributes:
        shared: the entries of all threads.
        blocks: the number of open blocks. Only while there are any does a thread look for entries of its own.
    """

    def __init__(self) -> None:
        self.shared: dict[str, Entry] = {}
        self.blocks = 0
        self._thread = _ThreadState()
        self._names: tuple[dict[str, Entry], dict[int, str]] | None = None

    @property
    def by_name(self) -> dict[str, Entry]:
        """The entries that this thread sees."""
        own = self._thread.entries if self.blocks else None
        return self.shared if own is None else own

    def __getitem__(self, name: str) -> Entry:
        """The entry of a name.

        Raises:
            MissingParamError: there is none.
        """
        entry = self.find(name)
        if entry is None:
            raise self.missing(name)
        return entry

    def find(self, name: str) -> Entry | None:
        """The entry of a name in this thread; ``None`` if there is none.

        Raises:
            ParamError: leaves are substituted in this thread, and the name has no substitute.
        """
        entry = self.by_name.get(name)
        substitution = self._thread.substitution if self.blocks else None
        if substitution is None:
            return entry
        leaf = substitution.get(name)
        if leaf is None or entry is None:
            raise ParamError(message.unknown_when_captured(name))
        return entry.with_leaf(leaf)

    def missing(self, name: str, remedy: str = "") -> MissingParamError:
        """The error for a name without an entry."""
        hint = did_you_mean(name, self.by_name)
        return MissingParamError(f"There is no parameter {name!r} in the store. {hint} {remedy}".rstrip())

    def names_of_leaves(self) -> dict[int, str]:
        """The names of leaves, by the ``id`` of the leaf."""
        known, entries = self._names, self.by_name
        if known is None or known[0] is not entries:
            known = self._names = entries, {id(entry.leaf): name for name, entry in entries.items()}
        return known[1]

    def is_substituted(self) -> bool:
        """Return ``True`` if leaves are substituted in this thread."""
        return self.blocks > 0 and self._thread.substitution is not None

    # -- changing ----------------------------------------------------------------------------------------------------

    def create(self, name: str, entry: Entry) -> Entry:
        """Add a new entry. If another thread was faster, return the entry of that thread."""
        present = self.by_name.setdefault(name, entry)
        self._names = None
        return present

    def put(self, name: str, entry: Entry | None) -> None:
        """Set the entry of a name; ``None`` removes it."""
        if entry is None:
            self.by_name.pop(name, None)
        else:
            self.by_name[name] = entry
        self._names = None

    def overwrite(self, tensor: Tensor, value: Tensor) -> None:
        """Write a value into a leaf."""
        if self._thread.written is not None:
            self._thread.written.append((tensor, tensor.detach().clone()))
        with torch.no_grad():
            tensor.copy_(value)

    # -- for a while -------------------------------------------------------------------------------------------------

    @contextmanager
    def _block(self) -> Iterator[_ThreadState]:
        """A block of this thread, which is counted."""
        with _counting:
            self.blocks += 1
        try:
            yield self._thread
        finally:
            with _counting:
                self.blocks -= 1

    @contextmanager
    def replaced(self, inner: dict[str, Entry]) -> Iterator[None]:
        """A block in which this thread sees the entries ``inner``."""
        with self._block() as thread:
            before, thread.entries = thread.entries, inner
            try:
                yield
            finally:
                thread.entries = before

    @contextmanager
    def discarding(self) -> Iterator[None]:
        """A block after which the changes of this thread are undone. Other threads never see them."""
        written: Written = []
        with self.replaced(dict(self.by_name)):
            before, self._thread.written = self._thread.written, written
            try:
                yield
            finally:
                self._thread.written = before
                with torch.no_grad():
                    for tensor, value in reversed(written):
                        tensor.copy_(value)

    @contextmanager
    def substituted(self, mapping: Mapping[str, Tensor]) -> Iterator[None]:
        """A block in which this thread reads leaves from ``mapping``."""
        with self._block() as thread:
            before, thread.substitution = thread.substitution, mapping
            try:
                yield
            finally:
                thread.substitution = before

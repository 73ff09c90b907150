"""The entries of a store, and what holds for a while: other entries, changes taken back, values read from elsewhere.

What is taken back or read from elsewhere belongs to the thread that asked for it: another thread on the same store is
not affected.
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
from virgil.params.journal import Journal

__all__ = ["Entries"]

_counting = threading.Lock()  # guards the counts of substituting threads


class _ThreadState(threading.local):
    """What the running thread has asked of one store."""

    journals: tuple[Journal, ...] = ()  # innermost last
    substitution: Mapping[str, Tensor] | None = None


class Entries:
    """Entries by name; every change goes through here, so that it can be taken back."""

    def __init__(self) -> None:
        self.by_name: dict[str, Entry] = {}
        self.substituting = 0  # how many threads read from elsewhere; spares reading a thread-local look-up
        self._thread = _ThreadState()
        self._names: dict[int, str] | None = None

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
        """The entry of a name as this thread sees it, ``None`` if there is none.

        Raises:
            ParamError: this thread reads from elsewhere, where the name is not known.
        """
        entry = self.by_name.get(name)
        substitution = self._thread.substitution if self.substituting else None
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
        """The names by the leaves' ids."""
        if self._names is None:
            self._names = {id(entry.leaf): name for name, entry in self.by_name.items()}
        return self._names

    def is_substituted(self) -> bool:
        """Whether this thread reads from elsewhere."""
        return self.substituting > 0 and self._thread.substitution is not None

    # -- changing ----------------------------------------------------------------------------------------------------

    def create(self, name: str, entry: Entry) -> Entry:
        """Add a new entry, unless another thread was faster: then return that thread's."""
        present = self.by_name.setdefault(name, entry)
        if present is entry:
            self._note(name, None, entry)
        return present

    def put(self, name: str, entry: Entry | None) -> None:
        """Set the entry of a name; ``None`` removes it."""
        before = self.by_name.get(name)
        if entry is None:
            self.by_name.pop(name, None)
        else:
            self.by_name[name] = entry
        self._note(name, before, entry)

    def overwrite(self, tensor: Tensor, value: Tensor) -> None:
        """Write a value into a leaf."""
        if self._thread.journals:
            self._thread.journals[-1].record_values(tensor)
        with torch.no_grad():
            tensor.copy_(value)

    def _note(self, name: str, before: Entry | None, after: Entry | None) -> None:
        self._names = None
        if self._thread.journals:
            self._thread.journals[-1].record_entry(name, before, after)

    # -- for a while -------------------------------------------------------------------------------------------------

    @contextmanager
    def replaced(self, inner: dict[str, Entry]) -> Iterator[None]:
        """Hold ``inner`` instead, inside a ``with`` block."""
        outer, self.by_name, self._names = self.by_name, inner, None
        try:
            yield
        finally:
            self.by_name, self._names = outer, None

    @contextmanager
    def discarding(self) -> Iterator[None]:
        """Take back, after a ``with`` block, what this thread changed inside."""
        thread, journal = self._thread, Journal()
        thread.journals = (*thread.journals, journal)
        try:
            yield
        finally:
            thread.journals = thread.journals[:-1]
            journal.take_back(self.by_name)
            self._names = None

    @contextmanager
    def substituted(self, mapping: Mapping[str, Tensor]) -> Iterator[None]:
        """Read leaves from ``mapping``, in this thread, inside a ``with`` block."""
        thread, before = self._thread, self._thread.substitution
        with _counting:
            self.substituting += 1
        thread.substitution = mapping
        try:
            yield
        finally:
            thread.substitution = before
            with _counting:
                self.substituting -= 1

"""The entries of a store, and what holds for a while: other entries, changes taken back, values read from elsewhere.

All three belong to the thread that asked for them: another thread on the same store sees and changes the entries that
the threads share.
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
    """What the running thread has asked of one store."""

    entries: dict[str, Entry] | None = None  # that it sees in the place of the shared ones
    written: Written | None = None
    substitution: Mapping[str, Tensor] | None = None


class Entries:
    """Entries by name; every change goes through here, so that it can be taken back.

    Attributes:
        shared: by name, those of all threads.
        blocks: how many are open in which a thread sees others; where there is none, nobody looks for the thread's.
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
        """The entry of a name as this thread sees it, ``None`` if there is none.

        Raises:
            ParamError: this thread reads from elsewhere, where the name is not known.
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
        """The names by the leaves' ids."""
        known, entries = self._names, self.by_name
        if known is None or known[0] is not entries:
            known = self._names = entries, {id(entry.leaf): name for name, entry in entries.items()}
        return known[1]

    def is_substituted(self) -> bool:
        """Whether this thread reads from elsewhere."""
        return self.blocks > 0 and self._thread.substitution is not None

    # -- changing ----------------------------------------------------------------------------------------------------

    def create(self, name: str, entry: Entry) -> Entry:
        """Add a new entry, unless another thread was faster: then return that thread's."""
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
        """A block in which this thread may see other entries."""
        with _counting:
            self.blocks += 1
        try:
            yield self._thread
        finally:
            with _counting:
                self.blocks -= 1

    @contextmanager
    def replaced(self, inner: dict[str, Entry]) -> Iterator[None]:
        """See ``inner`` instead, in this thread, inside a ``with`` block."""
        with self._block() as thread:
            before, thread.entries = thread.entries, inner
            try:
                yield
            finally:
                thread.entries = before

    @contextmanager
    def discarding(self) -> Iterator[None]:
        """Take back, after a ``with`` block, what this thread changed inside; other threads never see it."""
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
        """Read leaves from ``mapping``, in this thread, inside a ``with`` block."""
        with self._block() as thread:
            before, thread.substitution = thread.substitution, mapping
            try:
                yield
            finally:
                thread.substitution = before

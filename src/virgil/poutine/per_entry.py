"""``PerEntry``: what a handler keeps for each time that it has been entered."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Generic, TypeVar

__all__ = ["PerEntry"]

Kept = TypeVar("Kept")


class PerEntry(Generic[Kept]):
    """An object for each time that a handler has been entered and not left, in each thread.

    Args:
        make: makes the object.
    """

    def __init__(self, make: Callable[[], Kept]) -> None:
        self._make = make
        self._kept: dict[int, list[Kept]] = {}  # by thread

    def enter(self) -> None:
        """Make the object of a new entry in this thread."""
        self._kept.setdefault(threading.get_ident(), []).append(self._make())

    def leave(self) -> None:
        """Drop the object of the last entry in this thread."""
        thread = threading.get_ident()
        self._kept[thread].pop()
        if not self._kept[thread]:
            del self._kept[thread]

    @property
    def present(self) -> Kept:
        """The object of the last entry in this thread."""
        return self._kept[threading.get_ident()][-1]

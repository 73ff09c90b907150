"""Warnings that a block of one thread ignores."""

from __future__ import annotations

import re
import threading
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

__all__ = ["ignoring"]


class _OfThread:
    """The pattern of messages in a filter: it matches in one thread, until its block ends."""

    def __init__(self, message: str) -> None:
        self._pattern = re.compile(message, re.IGNORECASE)
        self.thread: int | None = threading.get_ident()

    def match(self, message: str) -> bool:
        """Python asks this of a filter's pattern."""
        return self.thread == threading.get_ident() and self._pattern.match(message) is not None


@contextmanager
def ignoring(category: type[Warning], message: str = "") -> Iterator[None]:
    """A block in which this thread shows no warnings of a category.

    ``warnings.catch_warnings`` puts the filters of the process back at its end, and with them those that another thread
    had for a while. Here one filter is added and taken away.

    Args:
        category: of the warnings.
        message: a regular expression for how they begin, in upper or lower case.
    """
    pattern = _OfThread(message)
    _filters().insert(0, ("ignore", pattern, category, None, 0))
    try:
        yield
    finally:
        pattern.thread = None
        _take_away_ended()


def _take_away_ended() -> None:
    """Remove the filters of blocks that have ended; a list that somebody put back may hold one of an earlier block."""
    filters = _filters()
    for each in [each for each in filters if isinstance(each[1], _OfThread) and each[1].thread is None]:
        with suppress(ValueError):  # another thread was faster
            filters.remove(each)


def _filters() -> list[Any]:
    return warnings.filters  # type: ignore[return-value]  # declared as a sequence, and a list

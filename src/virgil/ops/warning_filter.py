"""Blocks in which one thread ignores warnings."""

from __future__ import annotations

import re
import threading
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

__all__ = ["ignoring"]


class _OfThread:
    """The pattern of a filter's messages. It matches in one thread, until its block ends."""

    def __init__(self, message: str) -> None:
        self._pattern = re.compile(message, re.IGNORECASE)
        self.thread: int | None = threading.get_ident()

    def match(self, message: str) -> bool:
        """Python asks this of a filter's pattern."""
        return self.thread == threading.get_ident() and self._pattern.match(message) is not None


@contextmanager
def ignoring(category: type[Warning], message: str = "") -> Iterator[None]:
    """A block in which this thread shows no warnings of a category.

    ``warnings.catch_warnings`` replaces all filters of the process at its end, also those that another thread has
    added meanwhile. This block adds one filter and removes it.

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
    """Remove the filters of blocks that have ended. ``catch_warnings`` may have put one of an earlier block back."""
    filters = _filters()
    for each in [each for each in filters if isinstance(each[1], _OfThread) and each[1].thread is None]:
        with suppress(ValueError):  # another thread was faster
            filters.remove(each)


def _filters() -> list[Any]:
    return warnings.filters  # type: ignore[return-value]  # declared as a sequence, and a list

"""Show a warning at the user's line, or hand it to whoever collects the warnings of this thread."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from virgil.errors import FitWarning
from virgil.ops.user_code import warn_user

__all__ = ["collecting_warnings", "show_warning"]


class _Thread(threading.local):
    collected: list[str] | None = None


_thread = _Thread()


def show_warning(message: str) -> None:
    """Show a ``FitWarning`` at the innermost line that is the user's.

    Python shows the same words at the same line once only; who calls this decides how often, so that a second model
    with the same problem hears of it too. Filters that turn warnings off, or into errors, hold as usual.
    """
    if _thread.collected is not None:
        _thread.collected.append(message)
        return
    warn_user(message, FitWarning, once=False)


@contextmanager
def collecting_warnings() -> Iterator[list[str]]:
    """A block in which the warnings of this thread are collected and not shown."""
    before, collected = _thread.collected, list[str]()
    _thread.collected = collected
    try:
        yield collected
    finally:
        _thread.collected = before

"""Show a warning at the user's line, or hand it to whoever collects the warnings of this thread."""

from __future__ import annotations

import sys
import threading
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from virgil.engine.lines import is_of_user
from virgil.errors import FitWarning

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
    frame: Any = sys._getframe(1)
    while frame.f_back is not None and not is_of_user(frame.f_code.co_filename):
        frame = frame.f_back
    warnings.warn_explicit(message, FitWarning, frame.f_code.co_filename, frame.f_lineno, registry={})


@contextmanager
def collecting_warnings() -> Iterator[list[str]]:
    """A block in which the warnings of this thread are collected and not shown."""
    before, collected = _thread.collected, list[str]()
    _thread.collected = collected
    try:
        yield collected
    finally:
        _thread.collected = before

"""The rule of every handler's function: given a program it wraps it, without one it returns the handler."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from virgil.errors import ArgumentError, shown
from virgil.poutine.runtime import Handler

__all__ = ["Program", "wrapped"]

Program = Callable[..., Any]


def wrapped(handler: Handler, fn: Program | None) -> Any:
    """``handler(fn)``, or ``handler`` where ``fn`` is ``None``.

    Raises:
        ArgumentError: ``fn`` cannot be called.
    """
    if fn is None:
        return handler
    if not callable(fn):
        name = type(handler).__name__.lower()
        raise ArgumentError(
            f"{name}() got {shown(fn)} as its program, which cannot be called. Pass the function itself, without "
            "calling it, and the other arguments by name."
        )
    return handler(fn)

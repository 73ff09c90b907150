"""Programs that run in a new context each time they are called, so that threads and recursions share none."""

from __future__ import annotations

import functools
from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any

from virgil.errors import ArgumentError, shown

__all__ = ["name_of", "renewed"]


def renewed(context: Callable[[], AbstractContextManager[Any]], fn: Callable[..., Any]) -> Callable[..., Any]:
    """``fn`` under ``context()``, which each call makes anew."""

    def program(*args: Any, **kwargs: Any) -> Any:
        with context():
            return fn(*args, **kwargs)

    functools.update_wrapper(program, fn, updated=())
    return program


def name_of(fn: Any, asking: str) -> str:
    """The name of a function, or of the class of an object that can be called.

    Args:
        fn: the program.
        asking: the function that takes it, for the error.

    Raises:
        ArgumentError: it cannot be called.
    """
    if not callable(fn):
        raise ArgumentError(
            f"{asking}() got {shown(fn)} as its program, which cannot be called. Pass the function itself, without "
            "calling it, and the other arguments by name."
        )
    name: str = getattr(fn, "__name__", type(fn).__name__)
    return name

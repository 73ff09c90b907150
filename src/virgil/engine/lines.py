"""The line of the user's program that a tensor operation comes from."""

from __future__ import annotations

import functools
import linecache
import sys
from typing import Any

from virgil.ops.user_code import is_of_user

__all__ = ["line_of_user", "shown_line"]


@functools.lru_cache(maxsize=4096)
def shown_line(filename: str, number: int, function: str) -> str:
    """A line as a traceback shows it."""
    return f'File "{filename}", line {number}, in {function}\n    {linecache.getline(filename, number).strip()}'


def line_of_user() -> str | None:
    """The innermost line of the call stack that is the user's."""
    frame: Any = sys._getframe(1)
    while frame is not None:
        if is_of_user(frame.f_code.co_filename):
            return shown_line(frame.f_code.co_filename, frame.f_lineno, frame.f_code.co_name)
        frame = frame.f_back
    return None

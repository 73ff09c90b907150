"""Showing a warning at the user's line."""

from __future__ import annotations

import sys
import warnings
from typing import Any

from virgil.engine.lines import is_of_user
from virgil.errors import FitWarning

__all__ = ["show_warning"]


def show_warning(message: str) -> None:
    """Show a ``FitWarning`` at the innermost line that is the user's.

    Python shows the same words at the same line once only; who calls this decides how often, so that a second model
    with the same problem hears of it too. Filters that turn warnings off, or into errors, hold as usual.
    """
    frame: Any = sys._getframe(1)
    while frame.f_back is not None and not is_of_user(frame.f_code.co_filename):
        frame = frame.f_back
    warnings.warn_explicit(message, FitWarning, frame.f_code.co_filename, frame.f_lineno, registry={})

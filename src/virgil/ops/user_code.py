"""The part of the call stack that is the user's, and warnings that point there."""

from __future__ import annotations

import functools
import sys
import sysconfig
import warnings
from pathlib import Path
from typing import Any

import torch

__all__ = ["is_of_user", "warn_user"]

_VIRGIL = Path(__file__).parents[1]
_TORCH = Path(torch.__file__).parent
_PYTHON = Path(sysconfig.get_path("stdlib"))


@functools.cache
def is_of_user(filename: str) -> bool:
    """True if a file is not torch's, Python's or Virgil's own; Virgil's examples count as a user's."""
    path = Path(filename)
    if filename.startswith("<") or _TORCH in path.parents:
        return False
    if _PYTHON in path.parents and "site-packages" not in path.parts:
        return False
    return _VIRGIL not in path.parents or _VIRGIL / "examples" in path.parents


def warn_user(message: str, category: type[Warning], once: bool = True) -> None:
    """Show a warning at the innermost line of the call stack that is the user's. Filters hold as usual.

    Args:
        message: the words.
        category: the warning's class.
        once: whether the same words at the same line are shown once only, which is Python's rule.
    """
    frame: Any = sys._getframe(1)
    while frame.f_back is not None and not is_of_user(frame.f_code.co_filename):
        frame = frame.f_back
    registry = frame.f_globals.setdefault("__warningregistry__", {}) if once else {}
    warnings.warn_explicit(message, category, frame.f_code.co_filename, frame.f_lineno, registry=registry)

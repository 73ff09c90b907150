"""Two blocks of old programs: one that is entered on a condition, and one that is timed."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any

__all__ = ["optional", "timed"]


class optional:
    """A context manager that is entered only on a condition.

    >>> import torch
    >>> with optional(torch.no_grad(), False):
    ...     torch.is_grad_enabled()
    True
    """

    def __init__(self, context_manager: AbstractContextManager[Any], condition: object) -> None:
        self.context_manager = context_manager
        self.condition = condition

    def __enter__(self) -> Any:
        return self.context_manager.__enter__() if self.condition else None

    def __exit__(self, *exc_info: Any) -> bool | None:
        return self.context_manager.__exit__(*exc_info) if self.condition else None


class timed:
    """A block whose time is measured.

    Attributes:
        start: when it began, in seconds.
        end: when it ended.
        elapsed: the difference.
    """

    start: float
    end: float
    elapsed: float

    def __enter__(self, timer: Callable[[], float] = time.perf_counter) -> timed:
        self._timer = timer
        self.start = timer()
        return self

    def __exit__(self, *exc_info: object) -> None:
        self.end = self._timer()
        self.elapsed = self.end - self.start

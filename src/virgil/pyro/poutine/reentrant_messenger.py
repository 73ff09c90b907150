"""``ReentrantMessenger``."""

from __future__ import annotations

from typing import Any, TypeVar

from virgil.pyro.poutine.messenger import Messenger

__all__ = ["ReentrantMessenger"]

Self = TypeVar("Self", bound="ReentrantMessenger")


class ReentrantMessenger(Messenger):
    """A messenger that is installed once, however often it is entered inside itself."""

    def __init__(self) -> None:
        super().__init__()
        self._ref_count = 0

    def __enter__(self: Self) -> Self:
        self._ref_count += 1
        if self._ref_count == 1:
            super().__enter__()
        return self

    def __exit__(self, *exc_info: Any) -> None:
        self._ref_count -= 1
        if self._ref_count == 0:
            super().__exit__(*exc_info)

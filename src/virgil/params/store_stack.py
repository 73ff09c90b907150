"""The stores that a thread has entered by ``with store:``, innermost last."""

from __future__ import annotations

import threading
from types import TracebackType
from typing import Self

__all__ = ["Installable", "installed"]


class _Installed(threading.local):
    stores: tuple[Installable, ...] = ()  # innermost last; replaced, never mutated


_installed = _Installed()


class Installable:
    """The base of stores: ``with`` makes one the current store of the thread. It may be entered any number of times."""

    def __enter__(self) -> Self:
        _installed.stores = (*_installed.stores, self)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        _installed.stores = _installed.stores[:-1]


def installed() -> Installable | None:
    """The innermost store of this thread, or ``None`` if no ``with store:`` is active."""
    stores = _installed.stores
    return stores[-1] if stores else None

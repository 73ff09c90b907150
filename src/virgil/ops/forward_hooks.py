"""The networks that a thread calls."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from torch import nn
from torch.nn.modules.module import register_module_forward_pre_hook
from torch.utils.hooks import RemovableHandle

__all__ = ["watching_calls"]

Watcher = Callable[[nn.Module], object]


class _Thread(threading.local):
    watchers: tuple[Watcher, ...] = ()  # replaced, never mutated


_thread = _Thread()
_counting = threading.Lock()
_watchers = 0  # of all threads
_hook: RemovableHandle | None = None


@contextmanager
def watching_calls(watcher: Watcher) -> Iterator[None]:
    """A block that hands every network this thread calls to ``watcher``, before its ``forward``.

    Torch calls its global hooks in every thread. One such hook is registered while any thread watches; it calls the
    watchers of the thread that it runs in.
    """
    before = _thread.watchers
    _thread.watchers = (*before, watcher)
    _count(1)
    try:
        yield
    finally:
        _count(-1)
        _thread.watchers = before


def _count(change: int) -> None:
    global _watchers, _hook  # noqa: PLW0603
    with _counting:
        _watchers += change
        if _watchers and _hook is None:
            _hook = register_module_forward_pre_hook(_tell)
        elif not _watchers and _hook is not None:
            _hook.remove()
            _hook = None


def _tell(module: nn.Module, inputs: object) -> None:
    for watcher in _thread.watchers:
        watcher(module)

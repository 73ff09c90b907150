"""Ctrl-C that ends a run between two steps."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

__all__ = ["Interrupt", "graceful_interrupt"]


class Interrupt:
    """The record of a first Ctrl-C; a second one raises ``KeyboardInterrupt`` at once."""

    def __init__(self) -> None:
        self.requested = False

    def __call__(self, signum: int, frame: FrameType | None) -> None:
        """Take the signal."""
        if self.requested:
            raise KeyboardInterrupt
        self.requested = True


@contextmanager
def graceful_interrupt() -> Iterator[Interrupt]:
    """A block in which Ctrl-C is noted instead of raised.

    Only the main thread gets signals; others are unchanged. So is a process that ignores the signal, such as a shell's
    background job.
    """
    interrupt = Interrupt()
    ignored = signal.getsignal(signal.SIGINT) == signal.SIG_IGN
    if ignored or threading.current_thread() is not threading.main_thread():
        yield interrupt
        return
    before = signal.signal(signal.SIGINT, interrupt)
    try:
        yield interrupt
    finally:
        signal.signal(signal.SIGINT, before)

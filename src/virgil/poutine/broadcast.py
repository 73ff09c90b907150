"""``broadcast``: widen distributions to their plates."""

from __future__ import annotations

from typing import Any

from virgil.poutine.runtime import Handler
from virgil.poutine.wrap import Program, wrapped

__all__ = ["Broadcast", "broadcast"]


class Broadcast(Handler):
    """Does nothing, since every sample site is broadcast to its plates when it resolves."""


def broadcast(fn: Program | None = None) -> Any:
    """Broadcast distributions to their plates, which happens without it too; kept for programs that ask for it."""
    return wrapped(Broadcast(), fn)

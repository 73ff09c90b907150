"""``EscapeMessenger``."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from virgil.errors import ArgumentError
from virgil.poutine.escape import Escape
from virgil.poutine.messenger import Message
from virgil.poutine.wrap import wrapped
from virgil.pyro.poutine.messenger import Messenger
from virgil.pyro.poutine.runtime import NonlocalExit

__all__ = ["EscapeMessenger", "escape"]


class EscapeMessenger(Messenger):
    """Leaves the program at the first sample site for which ``escape_fn(msg)`` is true, by ``NonlocalExit``.

    The site is finished first.
    """

    stands_for = (Escape,)

    def __init__(self, escape_fn: Callable[[Any], bool]) -> None:
        super().__init__()
        self.escape_fn = escape_fn

    def _pyro_sample(self, msg: Message) -> None:
        if self.escape_fn(msg):
            msg["continuation"] = _leave


def _leave(msg: Message) -> None:
    raise NonlocalExit(msg)


def escape(fn: Callable[..., Any] | None = None, escape_fn: Callable[[Any], bool] | None = None) -> Any:
    """Run a program up to the first site for which ``escape_fn(msg)`` is true."""
    if escape_fn is None:
        raise ArgumentError("escape() needs escape_fn=, a function from a message to a bool.")
    return wrapped(EscapeMessenger(escape_fn), fn)

"""``ReparamMessenger``, and ``ReparamHandler``, a program under it."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from virgil.poutine.messenger import Message
from virgil.poutine.reparam import Reparameterise
from virgil.poutine.runtime import Handled
from virgil.pyro.poutine.messenger import Messenger, delegate

__all__ = ["ReparamHandler", "ReparamMessenger"]


class ReparamMessenger(Messenger, Reparameterise):
    """Lets a reparameteriser state each variable that ``config`` names."""

    meets_itself = False  # a reparameteriser states other variables, which it is not asked about
    stands_for = (Reparameterise,)

    def __call__(self, fn: Callable[..., Any]) -> ReparamHandler:
        """The program under this messenger."""
        return ReparamHandler(self, fn)

    def _pyro_sample(self, msg: Message) -> None:
        delegate(msg, partial(Reparameterise.before, self), self)


class ReparamHandler(Handled):
    """A program under a :class:`ReparamMessenger`."""

    def __init__(self, msngr: ReparamMessenger, fn: Callable[..., Any]) -> None:
        super().__init__(msngr, fn)
        self.msngr = msngr

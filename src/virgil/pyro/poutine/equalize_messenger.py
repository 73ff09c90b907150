"""``EqualizeMessenger``."""

from __future__ import annotations

from functools import partial

from virgil.poutine.equalize import Equalize
from virgil.poutine.messenger import Message
from virgil.pyro.poutine.messenger import Messenger, delegate

__all__ = ["EqualizeMessenger"]


class EqualizeMessenger(Messenger, Equalize):
    """Gives statements that match ``sites`` the value of the first of them."""

    stands_for = (Equalize,)

    def _process_message(self, msg: Message) -> None:
        delegate(msg, partial(Equalize.before, self), self)
        super()._process_message(msg)

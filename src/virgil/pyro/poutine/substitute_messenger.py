"""``SubstituteMessenger``."""

from __future__ import annotations

from functools import partial

from virgil.poutine.messenger import Message
from virgil.poutine.substitute import Substitute
from virgil.pyro.poutine.messenger import Messenger, delegate

__all__ = ["SubstituteMessenger"]


class SubstituteMessenger(Messenger, Substitute):
    """Gives parameters the values in ``data``."""

    stands_for = (Substitute,)

    def _pyro_param(self, msg: Message) -> None:
        delegate(msg, partial(Substitute.before, self), self)

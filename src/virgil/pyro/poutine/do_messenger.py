"""``DoMessenger``."""

from __future__ import annotations

from functools import partial

from virgil.poutine.do import Do
from virgil.poutine.messenger import Message
from virgil.poutine.runtime import Handler
from virgil.pyro.poutine.messenger import Messenger, delegate

__all__ = ["DoMessenger"]


class DoMessenger(Messenger, Do):
    """Hands on fixed values in the place of sites' own."""

    stands_for = (Do,)
    after = Handler.after  # the hook does it

    def _pyro_post_sample(self, msg: Message) -> None:
        delegate(msg, partial(Do.after, self), self)

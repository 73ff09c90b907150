"""``BroadcastMessenger``."""

from __future__ import annotations

from virgil.poutine.broadcast import Broadcast
from virgil.poutine.messenger import Message
from virgil.pyro.poutine.messenger import Messenger

__all__ = ["BroadcastMessenger"]


class BroadcastMessenger(Messenger, Broadcast):
    """Does nothing, since every distribution is broadcast to its plates in any case."""

    stands_for = (Broadcast,)

    def _pyro_sample(self, msg: Message) -> None:
        """Leave the message as it is."""

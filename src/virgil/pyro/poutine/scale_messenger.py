"""``ScaleMessenger``."""

from __future__ import annotations

from functools import partial

from virgil.poutine.messenger import Message
from virgil.poutine.scale import Scale
from virgil.pyro.poutine.messenger import Messenger, delegate

__all__ = ["ScaleMessenger"]


class ScaleMessenger(Messenger, Scale):
    """Multiplies log-probabilities by a positive ``scale``."""

    stands_for = (Scale,)

    def _process_message(self, msg: Message) -> None:
        delegate(msg, partial(Scale.before, self), self)
        super()._process_message(msg)

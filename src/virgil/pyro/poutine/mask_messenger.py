"""``MaskMessenger``."""

from __future__ import annotations

from functools import partial

from virgil.poutine.mask import Mask
from virgil.poutine.messenger import Message
from virgil.pyro.poutine.messenger import Messenger, delegate

__all__ = ["MaskMessenger"]


class MaskMessenger(Messenger, Mask):
    """Leaves out log-probabilities where ``mask`` is false."""

    stands_for = (Mask,)

    def _process_message(self, msg: Message) -> None:
        delegate(msg, partial(Mask.before, self), self)
        super()._process_message(msg)

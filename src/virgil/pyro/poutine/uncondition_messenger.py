"""``UnconditionMessenger``."""

from __future__ import annotations

from functools import partial

from virgil.poutine.condition import Uncondition
from virgil.poutine.messenger import Message
from virgil.pyro.poutine.messenger import Messenger, delegate

__all__ = ["UnconditionMessenger"]


class UnconditionMessenger(Messenger, Uncondition):
    """Draws observed sites anew."""

    stands_for = (Uncondition,)

    def _pyro_sample(self, msg: Message) -> None:
        delegate(msg, partial(Uncondition.before, self), self)

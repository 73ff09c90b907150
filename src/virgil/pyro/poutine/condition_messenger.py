"""``ConditionMessenger``."""

from __future__ import annotations

from functools import partial

from virgil.poutine.condition import Condition
from virgil.poutine.messenger import Message
from virgil.pyro.poutine.messenger import Messenger, delegate

__all__ = ["ConditionMessenger"]


class ConditionMessenger(Messenger, Condition):
    """Observes the sites that ``data`` names."""

    stands_for = (Condition,)

    def _pyro_sample(self, msg: Message) -> None:
        delegate(msg, partial(Condition.before, self), self)

"""``LiftMessenger``."""

from __future__ import annotations

from functools import partial

from virgil.poutine.lift import Lift
from virgil.poutine.messenger import Message
from virgil.pyro.poutine.messenger import Messenger, delegate

__all__ = ["LiftMessenger"]


class LiftMessenger(Messenger, Lift):
    """Makes parameters random variables of a ``prior``."""

    meets_itself = False  # the variables of lifted parameters are its own
    stands_for = (Lift,)

    def _pyro_param(self, msg: Message) -> None:
        delegate(msg, partial(Lift.before, self), self)

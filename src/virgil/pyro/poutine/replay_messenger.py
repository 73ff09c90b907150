"""``ReplayMessenger``."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial

from torch import Tensor

from virgil.poutine.messenger import Message
from virgil.poutine.replay import Replay
from virgil.poutine.trace import Trace
from virgil.pyro.poutine.messenger import Messenger, delegate

__all__ = ["ReplayMessenger"]


class ReplayMessenger(Messenger, Replay):
    """Gives sites the values of another execution."""

    stands_for = (Replay,)

    def __init__(self, trace: Trace | None = None, params: Mapping[str, Tensor] | None = None) -> None:
        super().__init__(trace, params)
        self.trace = trace

    def _pyro_sample(self, msg: Message) -> None:
        delegate(msg, partial(Replay.before, self), self)

    def _pyro_param(self, msg: Message) -> None:
        delegate(msg, partial(Replay.before, self), self)

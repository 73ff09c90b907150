"""``InferConfigMessenger``."""

from __future__ import annotations

from functools import partial

from virgil.poutine.infer_config import InferConfig
from virgil.poutine.messenger import Message
from virgil.pyro.poutine.messenger import Messenger, delegate

__all__ = ["InferConfigMessenger"]


class InferConfigMessenger(Messenger, InferConfig):
    """Merges ``config_fn(site)`` into the options of sample and param sites."""

    stands_for = (InferConfig,)

    def _pyro_sample(self, msg: Message) -> None:
        delegate(msg, partial(InferConfig.before, self), self)

    def _pyro_param(self, msg: Message) -> None:
        delegate(msg, partial(InferConfig.before, self), self)

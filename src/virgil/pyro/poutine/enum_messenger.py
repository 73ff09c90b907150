"""``EnumMessenger``, and the values that a message is enumerated over."""

from __future__ import annotations

from functools import partial

from torch import Tensor

from virgil.poutine.enumeration import Enumerate
from virgil.poutine.messenger import Message
from virgil.poutine.runtime import Handler
from virgil.poutine.site import Site
from virgil.pyro.poutine.messenger import Messenger, delegate

__all__ = ["EnumMessenger", "enumerate_site"]


def enumerate_site(msg: Message) -> Tensor:
    """All values of a message's distribution, or as many draws as ``infer["num_samples"]`` says.

    Shape: ``(values, *batch, *event)``, or, unless ``infer["expand"]`` is true, with ones in the place of the batch.
    """
    fn, infer = msg["fn"], msg["infer"]
    if infer.get("num_samples") is not None:
        drawn: Tensor = fn.sample((infer["num_samples"],))
        return drawn
    values: Tensor = fn.enumerate_support(expand=infer.get("expand", False))
    return values


class EnumMessenger(Messenger, Enumerate):
    """Gives sites marked ``infer={"enumerate": "parallel"}`` all their values along dims of their own.

    Args:
        first_available_dim: the dim of the first one, left of all plates; ``None`` for -1.
    """

    stands_for = (Enumerate,)
    handle = Handler.handle  # the hook does it

    def __init__(self, first_available_dim: int | None = None) -> None:
        super().__init__(-1 if first_available_dim is None else first_available_dim)

    def _pyro_sample(self, msg: Message) -> None:
        delegate(msg, partial(Enumerate.handle, self, outer=_unchanged), self)

    def _pyro_post_sample(self, msg: Message) -> None:
        """Leave the message as it is."""


def _unchanged(site: Site) -> Site:
    return site

"""``BlockMessenger``, with all the ways in which old programs say what is hidden."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

from virgil.errors import ArgumentError
from virgil.poutine.block import AllBut, Block, OneOf
from virgil.poutine.messenger import Message
from virgil.poutine.wrap import Program, wrapped
from virgil.pyro.poutine.messenger import Messenger

__all__ = ["BlockMessenger", "block"]

Choice = Callable[[Any], bool | None]
Names = Sequence[str] | None


def _make_default_hide_fn(
    hide_all: bool, expose_all: bool, hide: Names, expose: Names, hide_types: Names, expose_types: Names
) -> Choice:
    """The function from a message to whether it is hidden, which can be pickled.

    A message is hidden if its name or type is among those to hide, if some are to be exposed and it is none of these,
    or if nothing is said but ``hide_all``.
    """
    if hide_all and expose_all:
        raise ArgumentError(
            "block() got expose_all=True and hide_all=True, its default. To expose all sites, write hide_all=False."
        )
    exposes = expose is not None or expose_types is not None
    if not exposes and hide is None and hide_types is None:
        return partial(_constant, hide_all)
    hidden = OneOf(frozenset(hide or ()), frozenset(hide_types or ()))
    exposed = OneOf(frozenset(expose or ()), frozenset(expose_types or ())) if exposes else None
    return partial(_hides, hidden, exposed)


def _constant(value: bool, msg: Any) -> bool:
    return value


def _hides(hidden: OneOf, exposed: OneOf | None, msg: Any) -> bool:
    return hidden(msg) or (exposed is not None and not exposed(msg))


def _choice(hide_fn: Choice | None, expose_fn: Choice | None, rest: tuple[Any, ...]) -> Choice:
    if hide_fn is not None and expose_fn is not None:
        raise ArgumentError("block() got hide_fn and expose_fn. Choose one way to say what is hidden.")
    if hide_fn is not None:
        return hide_fn
    if expose_fn is not None:
        return AllBut(expose_fn)
    return _make_default_hide_fn(*rest)


class BlockMessenger(Messenger):
    """Hides sites from the messengers outside; see :func:`block`."""

    stands_for = (Block,)

    def __init__(
        self,
        hide_fn: Choice | None = None,
        expose_fn: Choice | None = None,
        hide_all: bool = True,
        expose_all: bool = False,
        hide: Names = None,
        expose: Names = None,
        hide_types: Names = None,
        expose_types: Names = None,
    ) -> None:
        super().__init__()
        rest = (hide_all and not expose_all, expose_all and not hide_all, hide, expose, hide_types, expose_types)
        self.hide_fn = _choice(hide_fn, expose_fn, rest)

    def _process_message(self, msg: Message) -> None:
        if self.hide_fn(msg):
            msg["stop"] = True
        super()._process_message(msg)


def block(
    fn: Program | None = None,
    hide_fn: Choice | None = None,
    expose_fn: Choice | None = None,
    hide_all: bool = True,
    expose_all: bool = False,
    hide: Names = None,
    expose: Names = None,
    hide_types: Names = None,
    expose_types: Names = None,
) -> Any:
    """Hide sites of a program from the messengers outside; by default, all of them.

    Args:
        fn: the program; without one, the handler is returned.
        hide_fn: a site for which it is true is hidden, and nothing else counts.
        expose_fn: a site for which it is false is hidden, and nothing else counts.
        hide_all: whether all are hidden where nothing else is said.
        expose_all: true says that none are.
        hide: names to hide.
        expose: names to show; others are hidden unless their type is shown.
        hide_types: types to hide; observed sites and deterministic values are of type ``"observe"``.
        expose_types: types to show; others are hidden unless their name is shown.
    """
    messenger = BlockMessenger(hide_fn, expose_fn, hide_all, expose_all, hide, expose, hide_types, expose_types)
    return wrapped(Block(messenger.hide_fn), fn)  # type: ignore[arg-type]

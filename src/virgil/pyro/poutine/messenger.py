"""``Messenger`` as old programs derive from it, and what they ask of messengers that are installed."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING, Any, ClassVar

from virgil.errors import ArgumentError
from virgil.poutine.markov import Markov
from virgil.poutine.messenger import Message
from virgil.poutine.messenger import Messenger as HouseMessenger
from virgil.poutine.plate import plate
from virgil.poutine.runtime import Handled, Handler, Passage
from virgil.poutine.site import Site
from virgil.pyro.poutine.installed_list import hidden
from virgil.pyro.poutine.kinds import Kind

__all__ = ["Messenger", "block_messengers", "delegate", "unwrap"]


class Messenger(HouseMessenger, metaclass=Kind):
    """The base of handlers written as hooks; see :class:`virgil.poutine.messenger.Messenger`.

    What a hook states meets all installed messengers, this one too. Old programs count on it: one hook of a messenger
    calls effects that its other hooks treat.
    """

    meets_itself = True
    stands_for: ClassVar[tuple[type, ...]] = (Handler, plate, Markov)

    if TYPE_CHECKING:  # a messenger that is also one of Virgil's own handlers has two of these

        def before(self, site: Site) -> Any:
            """Show the site to the hooks."""

    def _reset(self) -> None:
        """Called where an execution is given up, see :meth:`~virgil.pyro.poutine.runtime.NonlocalExit.reset_stack`."""

    @classmethod
    def register(
        cls, fn: Callable[..., Any] | None = None, type: str | None = None, post: bool | None = None
    ) -> Callable[..., Any]:
        """Make a function of the messenger and a message its hook for a type of statement; also a decorator.

        Args:
            fn: the function; without one, a decorator is returned.
            type: the type of statement.
            post: whether the hook is called on the way back.
        """
        if fn is None:
            return partial(cls.register, type=type, post=post)
        setattr(cls, _hook(type, bool(post)), fn)
        return fn

    @classmethod
    def unregister(cls, fn: Callable[..., Any] | None = None, type: str | None = None) -> Callable[..., Any] | None:
        """Take this class's own hooks for a type of statement away, on the way outward and back."""
        for post in (False, True):
            if _hook(type, post) in cls.__dict__:
                delattr(cls, _hook(type, post))
        return fn


def _hook(type: str | None, post: bool) -> str:
    if type is None:
        raise ArgumentError('Messenger.register() and unregister() need type=, such as type="sample".')
    return f"_pyro_post_{type}" if post else f"_pyro_{type}"


def delegate(msg: Message, treat: Callable[[Site], Site | Passage], messenger: Messenger) -> None:
    """Change a message as one of Virgil's own handlers changes a site."""
    msg.through(treat, type(messenger).__name__)


@contextmanager
def block_messengers(predicate: Callable[[Any], bool]) -> Iterator[list[Any]]:
    """Let statements in a ``with`` block pass by the installed messengers for which ``predicate`` is true.

    They are neither left nor entered. The block's value is the list of them, outermost first.
    """
    with hidden(predicate) as matched:
        yield matched


def unwrap(fn: Callable[..., Any]) -> Callable[..., Any]:
    """The program inside all handlers around it."""
    while isinstance(fn, Handled):
        fn = fn.fn
    return fn

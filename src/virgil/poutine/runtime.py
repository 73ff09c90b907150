"""The protocol for effects: a statement makes a :class:`Site`, :func:`emit` passes it through the installed handlers.

A handler is one function around a call. It may change the site before it goes outward, and what comes back:

    class Loud(Handler):
        def handle(self, site, outer):
            finished = outer(site)
            print(site.name, finished.value)
            return finished

    with Loud():
        model()
    Loud()(model)()

The innermost handler sees a site first. Behind the outermost one the site resolves: its value is drawn. A handler that
does not call ``outer`` hides the site from those outside; it then returns ``site.resolve()``, or a site with a value
of its own.
"""

from __future__ import annotations

import functools
import threading
from collections.abc import Callable
from functools import partial
from typing import Any, TypeVar

from virgil.errors import ArgumentError
from virgil.poutine.site import Site

__all__ = ["Handled", "Handler", "Site", "effectful", "emit", "installed"]

Outer = Callable[[Site], Site]
_STATED = frozenset({"args", "deterministic", "param", "plate", "return", "sample", "subsample"})
Self = TypeVar("Self", bound="Handler")


class _Installed(threading.local):
    """The handlers of this thread, outermost first: one tuple, replaced and never mutated."""

    handlers: tuple[Handler, ...] = ()


_installed = _Installed()


def installed() -> tuple[Handler, ...]:
    """The handlers of this thread, outermost first."""
    return _installed.handlers


def emit(site: Site) -> Site:
    """Pass a site through the installed handlers, innermost first, and return it finished."""
    handlers = _installed.handlers
    return _through(handlers, len(handlers) - 1, site)


def _through(handlers: tuple[Handler, ...], depth: int, site: Site) -> Site:
    if depth < 0:
        return site.resolve()
    return handlers[depth].handle(site, partial(_through, handlers, depth - 1))


class Handler:
    """What gives statements another meaning, for the length of a ``with`` block or of a call.

    Derive from it and write :meth:`handle`. An instance may be entered again, nested and shared between threads, since
    being entered changes nothing in it.
    """

    def handle(self, site: Site, outer: Outer) -> Site:
        """Treat one site; ``outer(site)`` asks the handlers outside, and at last the default."""
        return outer(site)

    def __enter__(self: Self) -> Self:
        _installed.handlers = (*_installed.handlers, self)
        return self

    def __exit__(self, *exc_info: object) -> None:
        handlers = _installed.handlers
        for depth in range(len(handlers) - 1, -1, -1):
            if handlers[depth] is self:
                # what lies further in belongs to blocks left without notice, such as an abandoned generator
                _installed.handlers = handlers[:depth]
                return

    def leave(self) -> None:
        """Leave this handler alone, wherever it stands: for a generator that may be closed late."""
        handlers = _installed.handlers
        _installed.handlers = tuple(each for each in handlers if each is not self)

    def __call__(self, fn: Callable[..., Any]) -> Handled:
        """The program that runs ``fn`` under this handler."""
        return Handled(self, fn)


class Handled:
    """A program under a handler: ``with handler: fn(...)`` as a callable."""

    def __init__(self, handler: Handler, fn: Callable[..., Any]) -> None:
        functools.update_wrapper(self, fn, updated=())
        self.handler = handler
        self.fn = fn

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Run the program under the handler."""
        with self.handler:
            return self.fn(*args, **kwargs)

    def __get__(self, instance: Any, owner: type | None = None) -> Any:
        """Bind to an instance, so that a decorated method stays one."""
        return self if instance is None else functools.partial(self, instance)

    def __repr__(self) -> str:
        return f"<{type(self.handler).__name__.lower()} of {getattr(self.fn, '__name__', self.fn)}>"


def effectful(fn: Callable[..., Any] | None = None, type: str | None = None) -> Callable[..., Any]:
    """Make a function a statement of a kind of its own; also a decorator, ``@effectful(type="simulate")``.

    Its calls pass through the installed handlers, and behind the outermost one ``fn`` gives the value. A call may also
    have ``name=``, ``infer=`` and ``obs=``, which mean what they mean to ``sample``.

    Args:
        fn: the function; without one, a decorator is returned.
        type: the kind of statement, ``site["type"]``.

    Raises:
        ArgumentError: ``type`` is missing, or one that a statement of the language has.
    """
    if not isinstance(type, str) or type in _STATED:
        raise ArgumentError(
            f"effectful() got type={type!r}; it takes a string of your own choice, which is none of "
            f"{', '.join(sorted(_STATED))}."
        )
    if fn is None:
        return partial(effectful, type=type)
    kind, default = type, fn

    @functools.wraps(fn)
    def statement(
        *args: Any, name: str | None = None, infer: dict[str, Any] | None = None, obs: Any = None, **kwargs: Any
    ) -> Any:
        known_as = getattr(default, "__name__", kind) if name is None else name
        return emit(Site(kind, known_as, default, args, kwargs, obs, obs is not None, infer)).value

    return statement

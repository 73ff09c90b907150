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

A handler that makes no statements may have ``before`` and ``after`` in the place of ``handle``, or one of them: what it
does to a site on its way outward, and to the finished site on its way back. Sites pass through it faster, and any
number of such handlers may lie inside each other. With ``takes_turns = True`` the two may make statements as well. A
``before`` may return a :class:`Passage`: the site with what is to be done on its way back, or a site that goes no
further.

A handler may make statements of its own in ``handle``. Two rules hold for them, and with them for whole programs that
it runs there:

* The handlers outside it see them. The handler itself and those further in do not.
* They stand where the site at hand stands. They get its plates and its steps of Markov chains, those entered further
  in than the handler too; its scale, mask and latent slots, if they are sample statements; and the enumerated variables
  that it can see. Handlers outside then add theirs, as they do to the site.

So a statement that replaces another one has the same share in the joint density, and this is a reparameteriser:

    class Decentered(Handler):
        def handle(self, site, outer):
            if site.name == "x" and site.is_latent:
                base = virgil.sample("x_base", dist.Normal(0.0, 1.0))
                value = site.fn.loc + site.fn.scale * base
                site = site.replace(fn=dist.Delta(value).mask(False), value=value, observed=True)
            return outer(site)
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from functools import partial
from typing import Any, ClassVar, TypeVar

from virgil.errors import ArgumentError, shown
from virgil.poutine.site import Site
from virgil.poutine.stack import Halves, Outer, Passage, Stack, Surrounds, emit, installed, stated_here, thread, without

__all__ = ["Handled", "Handler", "Outer", "Passage", "Site", "effectful", "emit", "installed", "states_nothing"]

_STATED = frozenset({"args", "deterministic", "param", "plate", "return", "sample", "subsample"})
Self = TypeVar("Self", bound="Handler")
Function = TypeVar("Function", bound=Callable[..., Any])


def states_nothing(handle: Function) -> Function:
    """Mark a ``handle`` that makes no statements and runs no code that might; sites pass through it faster."""
    handle.states_nothing = True  # type: ignore[attr-defined]
    return handle


class Handler:
    """Gives statements another meaning, for the length of a ``with`` block or of a call.

    Derive from it and write :meth:`handle`, or :meth:`before` and :meth:`after`. An instance may be entered again,
    nested and shared between threads, since being entered changes nothing in it.

    Attributes:
        surrounds: for a plate or a step of a Markov chain that has been entered, the field of a site to which it adds
            one element, ``"frames"`` or ``"steps"``.
        is_silent: whether its ``handle`` is marked by :func:`states_nothing`.
        halves: whether it has a ``before`` and an ``after``; ``None`` if it has a ``handle`` of its own.
        takes_turns: whether its ``before`` and ``after`` may make statements, or call functions that do.
        meets_itself: whether what these two state meets all installed handlers, this one too, as in old programs.
    """

    surrounds: ClassVar[Surrounds] = None
    is_silent: ClassVar[bool] = True
    halves: ClassVar[Halves] = (False, False)
    takes_turns: ClassVar[bool] = False
    meets_itself: ClassVar[bool] = False

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        cls.is_silent = getattr(cls.handle, "states_nothing", False) and not cls.takes_turns
        halves = cls.before is not Handler.before, cls.after is not Handler.after
        cls.halves = halves if cls.handle is Handler.handle else None

    @states_nothing
    def handle(self, site: Site, outer: Outer) -> Site:
        """Treat one site; ``outer(site)`` asks the handlers outside, and at last the default."""
        came = self.before(site)
        if not isinstance(came, Passage):
            return self.after(outer(came))
        finished = came.site if came.is_finished else outer(came.site)
        return self.after(finished if came.back is None else came.back(finished))

    def before(self, site: Site) -> Site | Passage:
        """Treat one site before those outside do. Without turns it makes no statements and calls no program."""
        return site

    def after(self, site: Site) -> Site:
        """Treat one site that those outside have finished. Without turns it makes no statements either."""
        return site

    def __enter__(self: Self) -> Self:
        current = thread.current
        current.stack = Stack(self, current.stack)
        return self

    def __exit__(self, *exc_info: object) -> None:
        current = thread.current
        stack = current.stack
        # what lies further in belongs to blocks left without notice, such as an abandoned generator
        current.stack = stack.outside if stack.handler is self else without(stack, self, keeps_inner=False)

    def leave(self) -> None:
        """Leave this handler alone, wherever it stands: for a generator that may be closed late."""
        current = thread.current
        current.stack = without(current.stack, self, keeps_inner=True)

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
            f"effectful() got type={shown(type)}; it takes a string of your own choice, which is none of "
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
        return emit(Site(kind, known_as, stated_here(default), args, kwargs, obs, obs is not None, infer)).value

    return statement

"""The handlers that are installed in a thread, and the way of a site through them.

``runtime.py`` states the rules. A handler that may make statements of its own has a *turn* while it treats a site: the
turn stands in the place of the stack that was installed, and finds out which handlers meet a statement when the handler
makes one. A handler marked by ``states_nothing`` has no turn, which makes a site's way shorter. Handlers that consist
of ``before`` and ``after`` alone are passed in a loop, so that any number of them may lie inside each other. It is a
quick one where they do no more than change the site, and one with turns and with ways that end early where some do.
"""

from __future__ import annotations

import functools
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, ClassVar, Literal, Protocol, TypeVar

from virgil.poutine.passage import Before, Outer, Pair, Passage, in_halves, in_pairs
from virgil.poutine.site import Site

__all__ = [
    "Halves",
    "NOTHING",
    "Outer",
    "Passage",
    "Stack",
    "Surroundings",
    "Surrounds",
    "Treats",
    "Turn",
    "emit",
    "installed",
    "stated_here",
    "thread",
    "under_nothing",
    "without",
]

Treated = TypeVar("Treated")
Surrounds = Literal["frames", "steps"] | None
Halves = tuple[bool, bool] | None  # whether it has a ``before`` and an ``after``, if it consists of them alone


class Treats(Protocol):
    """A handler, as far as a stack knows it; see :class:`virgil.poutine.runtime.Handler`."""

    surrounds: ClassVar[Surrounds]
    is_silent: ClassVar[bool]
    halves: ClassVar[Halves]
    takes_turns: ClassVar[bool]
    meets_itself: ClassVar[bool]

    def handle(self, site: Site, outer: Outer) -> Site:
        """Treat one site."""


class Stack:
    """Installed handlers. A stack is replaced and never changed.

    Attributes:
        handler: the innermost; ``None`` where no handler is installed.
        outside: the stack of those outside it.
        handlers: all of them, outermost first.
        emit: passes a site through all of them, innermost first, and returns it finished.
        befores: what the innermost handlers that consist of halves do before those outside, innermost first.
        afters: what they do after, outermost first.
        pairs: in the place of both, where one of these may do more than change the site: its two halves for each.
        beyond: passes a site through the handlers outside these.
    """

    __slots__ = ("afters", "befores", "beyond", "emit", "handler", "handlers", "outside", "pairs")

    handler: Treats | None
    outside: Stack
    handlers: tuple[Treats, ...]
    emit: Outer
    befores: tuple[Callable[[Site], Site], ...]
    afters: tuple[Callable[[Site], Site], ...]
    pairs: tuple[Pair, ...]
    beyond: Outer

    def __init__(self, handler: Treats, outside: Stack | Turn) -> None:
        if isinstance(outside, Turn):
            outside = outside.stack()
        self.handler = handler
        self.outside = outside
        self.handlers = (*outside.handlers, handler)
        self.befores = self.afters = self.pairs = ()
        if handler.halves is None:
            self.emit = self.beyond = _silent(handler, outside) if handler.is_silent else _stating(handler, outside)
            return
        has_before, has_after = handler.halves
        by_halves: Any = handler
        if outside.pairs or handler.takes_turns:
            if handler.takes_turns and not handler.meets_itself:
                pair: Pair = _with_turns(by_halves, outside), None
            else:
                pair = by_halves.before if has_before else None, by_halves.after if has_after else None
            self.pairs = (pair, *outside.pairs)
            self.beyond = outside.beyond if outside.pairs else outside.emit
            self.emit = in_pairs(self.pairs, self.beyond)
            return
        self.befores = (by_halves.before, *outside.befores) if has_before else outside.befores
        self.afters = (*outside.afters, by_halves.after) if has_after else outside.afters
        self.beyond = outside.beyond
        self.emit = in_halves(self.befores, self.afters, self.beyond)


def _with_turns(handler: Any, outside: Stack) -> Before:
    """The ``before`` of a handler that may make statements in its halves; its ``after`` is the passage's way back."""
    before, after = handler.before, handler.after if handler.halves[1] else None
    idle = Turn(outside)

    def treated(site: Site) -> Site | Passage:
        turn = idle if idle.site is None else Turn(outside)
        came: Site | Passage = turn.taken(before, site, site)
        if type(came) is not Passage:
            if after is None:
                return came
            came = Passage(came)  # type: ignore[arg-type]
        half = came.back
        if after is not None:
            half = after if half is None else _both(half, after)
        return came if half is None else Passage(came.site, _later(half, site, outside), came.is_finished)

    return treated


def _later(half: Outer, site: Site, outside: Stack) -> Outer:
    """The half of a handler that treats the finished site, with a turn where the site stood."""
    return lambda finished: Turn(outside).taken(half, site, finished)


def _both(first: Outer, second: Outer) -> Outer:
    """One after the other."""
    return lambda site: second(first(site))


def _silent(handler: Treats, outside: Stack) -> Outer:
    """The way of a site through a handler that makes no statements of its own."""
    handle, outer = handler.handle, outside.emit

    def treated(site: Site) -> Site:
        return handle(site, outer)

    return treated


def _stating(handler: Treats, outside: Stack) -> Outer:
    """The way of a site through a handler that may make statements, which has its turn there."""
    handle, outer = handler.handle, outside.emit
    idle = Turn(outside)  # made once; another one is needed only while this one waits for an inner program

    def treated(site: Site) -> Site:
        turn = idle if idle.site is None else Turn(outside)
        return turn.taken(handle, site, site, outer)

    return treated


class Turn:
    """A handler's turn with a site. It stands in the place of the stack that the handler's own statements meet.

    Attributes:
        outside: the handlers outside it.
        site: the site as it came to the handler; ``None`` between turns.
        before: what was installed when it came; likewise.
    """

    __slots__ = ("before", "outside", "site")

    handler: ClassVar[None] = None

    def __init__(self, outside: Stack) -> None:
        self.outside = outside
        self.site: Any = None
        self.before: Any = None

    def taken(self, function: Callable[..., Treated], site: Site, *args: Any) -> Treated:
        """Call a function of the handler where the site stands, and return what it returns."""
        current = thread.current
        self.site, self.before = site, current.stack
        current.stack = self
        try:
            return function(*args)
        finally:
            current.stack = self.before
            self.site = self.before = None

    def stack(self) -> Stack:
        """The handlers outside, and inside of them the plates and steps around the site further in than the handler."""
        inner = self.before.handlers[len(self.outside.handlers) + 1 :]
        surrounding = [each for each in inner if each.surrounds is not None]
        surroundings = Surroundings(self, surrounding)
        stack = Stack(surroundings, self.outside)
        for each in surrounding:
            stack = Stack(each, stack)
            stack.handler = surroundings  # it was entered before the turn, and leaves what was installed then
        return stack

    @property
    def handlers(self) -> tuple[Treats, ...]:
        """The handlers that meet a statement, outermost first."""
        return self.stack().handlers

    def emit(self, site: Site) -> Site:
        """Pass a statement through these handlers, which then stay installed for the rest of the turn."""
        stack = thread.current.stack = self.stack()
        return stack.emit(site)


class Surroundings:
    """Gives a handler's statements the surroundings of the site that it treats.

    Args:
        turn: the handler's turn.
        inner: the plates and steps that are installed inside of this.
    """

    surrounds: ClassVar[Surrounds] = None
    is_silent: ClassVar[bool] = True
    halves: ClassVar[Halves] = None
    takes_turns: ClassVar[bool] = False
    meets_itself: ClassVar[bool] = False

    def __init__(self, turn: Turn, inner: list[Treats]) -> None:
        self.turn = turn
        self.site = turn.site
        self.plates = sum(each.surrounds == "frames" for each in inner)
        self.steps = len(inner) - self.plates

    def handle(self, site: Site, outer: Outer) -> Site:
        """Pass the statement on at the site's place; plates and steps entered in the turn are the innermost."""
        return outer(site.placed_at(self.site, site.frames[self.plates :], site.steps[self.steps :]))


def _nothing() -> Stack:
    stack = object.__new__(Stack)
    stack.handler, stack.handlers, stack.outside = None, (), stack
    stack.befores, stack.afters, stack.pairs = (), (), ()
    stack.emit = stack.beyond = Site.resolve
    return stack


class _Current:
    """Holds the stack, or turn, that is installed; an object, since a thread-local attribute is slower to set."""

    __slots__ = ("stack",)

    def __init__(self) -> None:
        self.stack: Stack | Turn = NOTHING


class _Thread(threading.local):
    """The stack, or turn, of this thread."""

    def __init__(self) -> None:
        self.current = _Current()


NOTHING = _nothing()
thread = _Thread()


def installed() -> tuple[Any, ...]:
    """The handlers of this thread that a statement would meet now, outermost first."""
    return thread.current.stack.handlers


def emit(site: Site) -> Site:
    """Pass a site through the installed handlers, innermost first, and return it finished."""
    return thread.current.stack.emit(site)


def stated_here(fn: Callable[..., Any]) -> Callable[..., Any]:
    """A function that runs ``fn`` under the handlers that are installed now, whenever it is called.

    What ``fn`` leaves installed stays so, where these handlers still wait for it.
    """
    here = thread.current.stack
    if isinstance(here, Turn):
        here = thread.current.stack = here.stack()

    @functools.wraps(fn)
    def called(*args: Any, **kwargs: Any) -> Any:
        current = thread.current
        before, current.stack = current.stack, here
        left: Stack | Turn = here
        try:
            value = fn(*args, **kwargs)
            left = current.stack
        finally:
            current.stack = before
        if left is not here:
            _exchange(here, left)
        return value

    return called


def _exchange(known: Stack, new: Stack | Turn) -> None:
    """Let a stack take the place of one that is installed, or that a turn puts back; do nothing if there is none."""
    holder: Any = thread.current
    field = "stack"
    while (at := getattr(holder, field)) is not known:
        while isinstance(at, Stack) and at.handler is not None and not isinstance(at.handler, Surroundings):
            at = at.outside
        holder = at if isinstance(at, Turn) else getattr(at.handler, "turn", None)
        if holder is None:
            return
        field = "before"
    setattr(holder, field, new)


@contextmanager
def under_nothing() -> Iterator[None]:
    """A block whose statements no handler from around it meets, and for which no plate around it is open."""
    current = thread.current
    before, current.stack = current.stack, NOTHING
    try:
        yield
    finally:
        current.stack = before


def without(stack: Stack | Turn, handler: Treats, keeps_inner: bool) -> Stack | Turn:
    """The stack after a handler has left, with those further in unless they are kept; the same if it was not there.

    A handler that was entered before a turn leaves the stack that is put back after the turn.
    """
    inner: list[Treats] = []
    at = stack
    while isinstance(at, Stack) and at.handler is not None:
        if at.handler is handler:
            left = at.outside
            for each in reversed(inner) if keeps_inner else ():
                left = Stack(each, left)
            return left
        inner.append(at.handler)
        at = at.handler.turn if isinstance(at.handler, Surroundings) else at.outside
    if isinstance(at, Turn):
        at.before = without(at.before, handler, keeps_inner)
    return stack

"""The messengers of this thread as one list that can be changed."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, MutableSequence
from contextlib import contextmanager
from typing import Any, NamedTuple, SupportsIndex, overload

from virgil.errors import ArgumentError, shown
from virgil.poutine.markov import Markov, MarkovContext
from virgil.poutine.plate import PlateContext, plate
from virgil.poutine.runtime import Handler, installed
from virgil.poutine.stack import NOTHING, Stack, Surroundings, Turn, thread

__all__ = ["InstalledList", "hidden"]


class _Level(NamedTuple):
    """The handlers that were entered since a turn began, or since the thread did.

    Attributes:
        holder: the object that refers to the stack.
        field: its attribute that does.
        base: the stack, or turn, that they were entered in.
        handlers: outermost first.
    """

    holder: Any
    field: str
    base: Stack | Turn
    handlers: list[Any]

    def write(self) -> None:
        """Install what ``handlers`` has now."""
        stack = self.base
        for each in self.handlers:
            stack = Stack(each, stack)
        setattr(self.holder, self.field, stack)


def _levels() -> list[_Level]:
    """All levels of this thread, outermost first."""
    levels: list[_Level] = []
    holder: Any = thread.current
    field = "stack"
    while True:
        at, handlers = getattr(holder, field), []
        while isinstance(at, Stack) and at.handler is not None and not isinstance(at.handler, Surroundings):
            handlers.append(at.handler)
            at = at.outside
        levels.append(_Level(holder, field, at, handlers[::-1]))
        turn = at if isinstance(at, Turn) else getattr(at.handler, "turn", None)
        if turn is None:
            return levels[::-1]
        holder, field = turn, "before"


def _shown(handler: Any) -> Any:
    """A handler as programs know it: the plate or chain in the place of its context."""
    if isinstance(handler, PlateContext) and isinstance(handler.plate, plate):
        return handler.plate
    if isinstance(handler, MarkovContext) and isinstance(handler.chain, Markov):
        return handler.chain
    return handler


class InstalledList(MutableSequence[Any]):
    """The handlers that are installed in this thread, outermost first.

    It has those that wait while one of them treats a statement. What is inserted counts from the next statement on.
    """

    def _flat(self) -> list[Any]:
        return [_shown(each) for level in _levels() for each in level.handlers]

    def _place(self, index: SupportsIndex) -> tuple[_Level, int]:
        """The level of an entry, and its place there."""
        levels = _levels()
        at = range(sum(len(level.handlers) for level in levels))[index]
        for level in levels:
            if at < len(level.handlers):
                break
            at -= len(level.handlers)
        return level, at

    def __len__(self) -> int:
        return len(self._flat())

    @overload
    def __getitem__(self, index: int) -> Any: ...
    @overload
    def __getitem__(self, index: slice) -> list[Any]: ...
    def __getitem__(self, index: Any) -> Any:
        return self._flat()[index]

    def __setitem__(self, index: Any, value: Any) -> None:
        if isinstance(index, slice):
            kept = self._flat()
            kept[index] = value
            self._become(kept)
            return
        level, at = self._place(index)
        level.handlers[at] = _entered(value)
        level.write()

    def __delitem__(self, index: Any) -> None:
        if isinstance(index, slice):
            kept = self._flat()
            del kept[index]
            self._become(kept)
            return
        level, at = self._place(index)
        del level.handlers[at]
        level.write()

    def insert(self, index: SupportsIndex, value: Any) -> None:
        """Install a handler further in than the first ``index`` handlers, without entering it."""
        levels = _levels()
        total = sum(len(level.handlers) for level in levels)
        at = slice(index, None).indices(total)[0]
        for level in levels:
            if at <= len(level.handlers):
                break
            at -= len(level.handlers)
        level.handlers.insert(at, _entered(value))
        level.write()

    def _become(self, kept: Iterable[Any]) -> None:
        """Keep or take these handlers; each that is there stays at its level."""
        levels, kept = _levels(), list(kept)
        where = {id(_shown(each)): (number, each) for number, level in enumerate(levels) for each in level.handlers}
        for level in levels:
            level.handlers.clear()
        number = 0
        for each in kept:
            number, handler = where.get(id(each), (number, each))
            levels[number].handlers.append(handler if id(each) in where else _entered(each))
        for level in levels:
            level.write()

    def copy(self) -> list[Any]:
        """The handlers as a list of its own."""
        return self._flat()

    def __eq__(self, other: object) -> bool:
        return isinstance(other, (list, InstalledList)) and self._flat() == list(other)

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        return repr(self._flat())


def _entered(value: Any) -> Any:
    """The handler that stands for what a program inserts."""
    if isinstance(value, plate):
        return value.context()
    if not isinstance(value, Handler):
        raise ArgumentError(f"_PYRO_STACK got {shown(value)}, which is no messenger.")
    return value


@contextmanager
def hidden(predicate: Callable[[Any], bool]) -> Iterator[list[Any]]:
    """Let statements in a ``with`` block pass by the handlers for which ``predicate`` is true."""
    current = thread.current
    before = current.stack
    matched: list[Any] = []
    stack = NOTHING
    for each in installed():
        if not isinstance(each, Surroundings) and predicate(_shown(each)):
            matched.append(_shown(each))
        else:
            stack = Stack(each, stack)
    current.stack = stack
    try:
        yield matched
    finally:
        current.stack = before

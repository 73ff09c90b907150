"""``markov``: declare that what happens depends on a limited past."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any

from virgil.errors import ArgumentError
from virgil.poutine.runtime import Handler, installed

__all__ = ["Markov", "markov"]


class Markov(Handler):
    """One step of a chain: sites inside depend on at most the last ``history`` steps, so that dims are recycled."""

    def __init__(self, history: int = 1, keep: bool = False, step: int = 0) -> None:
        self.history = history
        self.keep = keep
        self.step = step


def _steps(items: Iterable[Any], history: int, keep: bool) -> Iterator[Any]:
    if not installed():  # as in a plate's loop: nobody would take the context away after an error
        yield from items
        return
    for step, item in enumerate(items):
        context = Markov(history, keep, step)
        context.__enter__()
        try:
            yield item
        finally:
            context.leave()


def markov(
    fn: Iterable[Any] | Callable[..., Any] | None = None,
    history: int = 1,
    keep: bool = False,
    dim: int | None = None,
    name: str | None = None,
) -> Any:
    """Declare a Markov dependence, as an iterable of steps, a context, or a decorator.

    ``for t in markov(range(10)): ...``, ``with markov(): ...``, or ``@markov`` above a function.

    Args:
        fn: an iterable of steps, or a function, each call of which is a step; without either, a context.
        history: how many steps back a step may depend on.
        keep: whether a branch of the chain may be returned to.
        dim: accepted for the sake of existing programs.
        name: likewise.

    Raises:
        ArgumentError: ``history`` is not a whole number of at least 0.
    """
    if not isinstance(history, int) or isinstance(history, bool) or history < 0:
        raise ArgumentError(f"markov() got history={history!r}; it takes a whole number, 0 or more.")
    if fn is None:
        return Markov(history, keep)
    if callable(fn):
        return Markov(history, keep)(fn)
    return _steps(fn, history, keep)

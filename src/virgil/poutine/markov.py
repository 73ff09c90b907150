"""``markov``: declare that statements depend on a limited past."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable, Iterator
from itertools import count
from typing import Any

from virgil.errors import ArgumentError, shown
from virgil.poutine.frame import ChainStep
from virgil.poutine.runtime import Handler, installed
from virgil.poutine.site import Site

__all__ = ["Markov", "MarkovContext", "markov"]


class Markov:
    """A Markov chain. Each time it is entered is a step; sites inside depend on at most the last ``history`` steps."""

    def __init__(self, history: int = 1, keep: bool = False) -> None:
        self.history = history
        self.keep = keep
        self._numbers = count()

    def __enter__(self) -> Markov:
        MarkovContext(ChainStep(self, next(self._numbers), self.history, self.keep)).__enter__()
        return self

    def __exit__(self, *exc_info: object) -> None:
        for handler in reversed(installed()):
            if isinstance(handler, MarkovContext) and handler.chain is self:
                handler.__exit__()
                return

    def __call__(self, fn: Callable[..., Any]) -> Callable[..., Any]:
        """As a decorator: each call is a step."""

        @functools.wraps(fn)
        def step(*args: Any, **kwargs: Any) -> Any:
            with self:
                return fn(*args, **kwargs)

        return step


class MarkovContext(Handler):
    """Adds a step that has been entered to every site."""

    surrounds = "steps"

    def __init__(self, step: ChainStep) -> None:
        self.step = step

    @property
    def chain(self) -> object:
        """The object that tells its chain from others."""
        return self.step.chain

    def before(self, site: Site) -> Site:
        """Add the step."""
        return site.replace(steps=(self.step, *site.steps))


def _steps(items: Iterable[Any], history: int, keep: bool) -> Iterator[Any]:
    if not installed():  # as in a plate's loop: nobody would take the context away after an error
        yield from items
        return
    chain = object()
    for number, item in enumerate(items):
        context = MarkovContext(ChainStep(chain, number, history, keep))
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
        raise ArgumentError(f"markov() got history={shown(history)}; it takes a whole number, 0 or more.")
    if fn is None:
        return Markov(history, keep)
    if callable(fn):
        return Markov(history, keep)(fn)
    return _steps(fn, history, keep)

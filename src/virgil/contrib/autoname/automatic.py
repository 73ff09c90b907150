"""``autoname`` and ``sample``: sites named after their distributions, in scopes named after functions and loops."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from functools import partial
from types import TracebackType
from typing import Any, Self

from virgil import primitives
from virgil.contrib.autoname.renewed import name_of, renewed
from virgil.errors import ArgumentError, shown
from virgil.poutine.plate import plate
from virgil.poutine.runtime import Handler, installed

__all__ = ["Autoname", "NameScope", "autoname", "fresh_name", "sample"]


class NameScope(Handler):
    """A scope that has been entered: it gives each name that is asked for once.

    Attributes:
        path: its name with those of the scopes around it, as in ``model/time__1``.
    """

    def __init__(self, path: str) -> None:
        self.path = path
        self._counts: dict[str, int] = {}
        self._given: set[str] = set()

    def fresh(self, name: str, mark: str = "") -> str:
        """The name, with ``mark`` and a number behind it if it has been given before."""
        while True:
            count = self._counts.get(name, 0)
            self._counts[name] = count + 1
            found = f"{name}{mark}{count}" if count else name
            if found not in self._given:
                self._given.add(found)
                return found


def _current() -> NameScope | None:
    return next((each for each in reversed(installed()) if isinstance(each, NameScope)), None)


def _entered(name: str, rounds_before: int = 0) -> NameScope:
    outside = _current()
    if outside is not None:
        return NameScope(f"{outside.path}/{outside.fresh(name, '__')}").__enter__()
    return NameScope(f"{name}__{rounds_before}" if rounds_before else name).__enter__()


def fresh_name(name: str = "name") -> str:
    """A name that the scope around has not given yet; the name itself outside of all scopes."""
    scope = _current()
    return name if scope is None else scope.fresh(name)


class Autoname:
    """A scope of names, for a ``with`` block, a program or the rounds of a loop.

    Attributes:
        name: the name of the scope; ``None`` takes that of the program, or of the plate that is iterated.
    """

    def __init__(self, name: str | None = None) -> None:
        if name is not None and (not isinstance(name, str) or not name):
            raise ArgumentError(f"autoname() got name={shown(name)}; it takes a string that is not empty.")
        self.name = name
        self._scopes: list[NameScope] = []

    def __enter__(self) -> Self:
        if self.name is None:
            raise ArgumentError("autoname() has no name. Write autoname(name=...), or use it as a decorator.")
        self._scopes.append(_entered(self.name))
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._scopes.pop().__exit__(kind, error, traceback)

    def __call__(self, fn: Any) -> Any:
        """The program that runs ``fn`` in this scope, or the items of an iterable, each in a scope of its own."""
        if isinstance(fn, plate) or (not callable(fn) and isinstance(fn, Iterable)):
            name = getattr(fn, "name", None) if self.name is None else self.name
            if not isinstance(name, str):
                raise ArgumentError(
                    f"autoname() got {shown(fn)} to iterate, which has no name. Write autoname(..., name='round')."
                )
            return _rounds(fn, name)
        return renewed(partial(Autoname, name_of(fn, "autoname") if self.name is None else self.name), fn)


def _rounds(items: Iterable[Any], name: str) -> Iterator[Any]:
    for position, item in enumerate(items):
        scope = _entered(name, position)
        try:
            yield item
        finally:
            scope.leave()  # the loop may have been left long ago


def autoname(fn: Callable[..., Any] | Iterable[Any] | None = None, name: str | None = None) -> Any:
    """A scope for names that :func:`sample` finds: a decorator, a ``with`` block, or around what a loop iterates.

    Names in a scope begin with its name and a slash. A scope that is entered again in the scope around it is numbered,
    ``f``, ``f__1``, ``f__2``, and a site that is stated again as well, ``Normal``, ``Normal1``, ``Normal2``.

    Args:
        fn: a program, or an iterable, each of whose rounds is a scope.
        name: the name of the scope; by default that of the program, or of the plate that is iterated.

    Raises:
        ArgumentError: there is no name, or ``fn`` can neither be called nor iterated.

    Example:
        >>> import virgil, virgil.distributions as dist
        >>> @autoname
        ... def model():
        ...     sample(dist.Bernoulli(0.5))
        ...     for _ in autoname(range(2), name="time"):
        ...         sample("x", dist.Normal(0.0, 1.0))
        ...         sample(dist.Bernoulli(0.5))
        >>> for name in virgil.poutine.trace(model).get_trace().stochastic_nodes:
        ...     print(name)
        model/Bernoulli
        model/time/x
        model/time/Bernoulli
        model/time__1/x
        model/time__1/Bernoulli
    """
    made = Autoname(name)
    return made if fn is None else made(fn)


def sample(*args: Any, **kwargs: Any) -> Any:
    """Draw or observe a random variable as :func:`virgil.sample` does, under a name that the scope around gives.

    ``sample(fn)`` names it after the class of its distribution, ``sample("x", fn)`` as it says. Both take the further
    arguments of :func:`virgil.sample`. Outside of all scopes the name stays as it is.

    Raises:
        ArgumentError: there is no distribution.
    """
    if args and isinstance(args[0], str):
        name, *rest = args
    else:
        name, rest = type(args[0]).__name__ if args else "", list(args)
    if not rest:
        raise ArgumentError('sample() got no distribution. Write sample(dist.Normal(0.0, 1.0)) or sample("x", ...).')
    if not hasattr(rest[0], "log_prob"):  # the statement says what is wrong with it
        return primitives.sample(name, *rest, **kwargs)
    scope = _current()
    return primitives.sample(name if scope is None else f"{scope.path}/{scope.fresh(name)}", *rest, **kwargs)

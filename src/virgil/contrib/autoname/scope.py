"""``scope``: a prefix before the names of the sites inside."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from types import TracebackType
from typing import Any, Self

from virgil.contrib.autoname.renewed import name_of, renewed
from virgil.errors import ArgumentError, shown
from virgil.poutine.runtime import Handler, emit
from virgil.poutine.site import Site

__all__ = ["NAMED", "SCOPE", "Scope", "scope"]

SCOPE = "scope"  # the statement by which a scope that is entered asks those outside for its name
NAMED = frozenset({"sample", "plate", "deterministic", SCOPE})


class _Prefixed(Handler):
    """Puts a prefix before the names of random variables, deterministic values and plates. Parameters keep theirs."""

    def __init__(self, prefix: str) -> None:
        self.prefix = prefix

    def before(self, site: Site) -> Site:
        """Rename the site."""
        return site.replace(name=f"{self.prefix}/{site.name}") if site.kind in NAMED else site


class Scope:
    """A prefix for names, for the length of a ``with`` block or of a call of a program.

    Attributes:
        prefix: the prefix, without the slash; ``None`` takes the name of the program that it decorates.
        inner: true if a counter outside leaves a second entrance alone, and numbers the names inside instead.
    """

    def __init__(self, prefix: str | None = None, inner: bool | None = None) -> None:
        if prefix is not None and (not isinstance(prefix, str) or not prefix):
            raise ArgumentError(f"scope() got prefix={shown(prefix)}; it takes a string that is not empty.")
        self.prefix = prefix
        self.inner = bool(inner)
        self._entered: list[_Prefixed] = []

    def __enter__(self) -> Self:
        if self.prefix is None:
            raise ArgumentError("scope() has no prefix. Write scope(prefix=...), or use it as the decorator @scope.")
        known = emit(Site(SCOPE, self.prefix, value=self.prefix, infer={"inner": self.inner})).value
        self._entered.append(_Prefixed(known))
        self._entered[-1].__enter__()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._entered.pop().__exit__(kind, error, traceback)

    def __call__(self, fn: Callable[..., Any]) -> Callable[..., Any]:
        """The program that runs ``fn`` in this scope."""
        name = name_of(fn, "scope")
        return renewed(partial(Scope, name if self.prefix is None else self.prefix, self.inner), fn)


def scope(fn: Callable[..., Any] | None = None, prefix: str | None = None, inner: bool | None = None) -> Any:
    """Put ``prefix`` and a slash before the names of the sites inside: a ``with`` block, a decorator, or a function.

    Random variables, deterministic values and plates get the prefix, parameters do not. Prefixes of scopes further out
    stand first. Under :func:`~virgil.contrib.autoname.name_count` a scope that is entered again is numbered as well.

    Args:
        fn: the program; without one, the scope is returned.
        prefix: the prefix; by default the name of the program.
        inner: leave the number to the scopes and sites inside.

    Raises:
        ArgumentError: no string for a prefix, no program for ``fn``, or a ``with`` block without a prefix.

    Example:
        >>> import virgil, virgil.distributions as dist
        >>> @scope
        ... def ears():
        ...     return virgil.sample("left", dist.Bernoulli(0.5))
        >>> def model():
        ...     with scope(prefix="head"):
        ...         return ears()
        >>> virgil.poutine.trace(model).get_trace().stochastic_nodes
        ['head/ears/left']
    """
    made = Scope(prefix, inner)
    return made if fn is None else made(fn)

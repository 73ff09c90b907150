"""``name_count``: a number behind a name that is stated again."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any, Self

from virgil.contrib.autoname.renewed import name_of, renewed
from virgil.contrib.autoname.scope import NAMED, SCOPE
from virgil.poutine.runtime import Handler
from virgil.poutine.site import Site

__all__ = ["NameCount", "name_count"]

_NUMBERED = re.compile(r"(.*)__\d+")


class NameCount(Handler):
    """Renames sites and scopes whose name it has seen since it was entered: ``x``, ``x__1``, ``x__2`` ..."""

    def __init__(self) -> None:
        self._taken: set[tuple[bool, str]] = set()

    def __enter__(self) -> Self:
        self._taken = set()
        return super().__enter__()

    def before(self, site: Site) -> Site:
        """Number the site, or the scope that is entered."""
        is_scope = site.kind == SCOPE
        if site.kind not in NAMED or (is_scope and site.infer["inner"]):
            return site
        name = self._free(is_scope, site.name)
        if name == site.name:
            return site
        if is_scope:  # its own prefix is the part of the name that scopes further out have not put there
            return site.replace(name=name, value=name[len(site.name) - len(site.value) :])
        return site.replace(name=name)

    def _free(self, is_scope: bool, name: str) -> str:
        numbered = _NUMBERED.fullmatch(name)
        stem, number = numbered[1] if numbered else name, 0
        while (is_scope, name) in self._taken:
            number += 1
            name = f"{stem}__{number}"
        self._taken.add((is_scope, name))
        return name

    def __call__(self, fn: Callable[..., Any]) -> Any:
        """The program that counts anew in each call."""
        name_of(fn, "name_count")
        return renewed(NameCount, fn)


def name_count(fn: Callable[..., Any] | None = None) -> Any:
    """Number the names that a program states again, but for the first: ``x``, ``x__1``, ``x__2`` and so on.

    Scopes that are entered again are numbered likewise. Parameters keep their names, as they may be read any number of
    times.

    Args:
        fn: the program; without one, the handler is returned.

    Raises:
        ArgumentError: ``fn`` cannot be called.

    Example:
        >>> import virgil, virgil.distributions as dist
        >>> @name_count
        ... def model():
        ...     for _ in range(3):
        ...         virgil.sample("x", dist.Normal(0.0, 1.0))
        >>> virgil.poutine.trace(model).get_trace().stochastic_nodes
        ['x', 'x__1', 'x__2']
    """
    counter = NameCount()
    return counter if fn is None else counter(fn)

"""``escape``: leave a program at a site."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from virgil.errors import ArgumentError
from virgil.poutine.runtime import Handler, Passage
from virgil.poutine.site import Site
from virgil.poutine.wrap import Program, wrapped

__all__ = ["Escape", "NonlocalExit", "escape"]


class NonlocalExit(Exception):
    """Raised by ``escape`` to leave a program; ``site`` is the site, or message, at which it was left."""

    def __init__(self, site: Site) -> None:
        super().__init__(f"The program was left at site {site['name']!r}.")
        self.site = site


class Escape(Handler):
    """Raises :class:`NonlocalExit` at the first site for which ``escape_fn`` is true."""

    takes_turns = True

    def __init__(self, escape_fn: Callable[[Site], bool]) -> None:
        self.escape_fn = escape_fn

    def before(self, site: Site) -> Site | Passage:
        """Finish the site, then leave the program."""
        return Passage(site, _leave) if self.escape_fn(site) else site


def _leave(site: Site) -> Site:
    raise NonlocalExit(site)


def escape(fn: Program | None = None, escape_fn: Callable[[Site], bool] | None = None) -> Any:
    """Run a program up to the first site for which ``escape_fn(site)`` is true; that site is finished first."""
    if escape_fn is None:
        raise ArgumentError("escape() needs escape_fn=, a function from a site to a bool.")
    return wrapped(Escape(escape_fn), fn)

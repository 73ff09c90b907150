"""``lift``: turn parameters into random variables."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from virgil.errors import ArgumentError
from virgil.poutine.runtime import Handler, Outer
from virgil.poutine.site import Site
from virgil.poutine.wrap import Program, wrapped

__all__ = ["Lift", "lift"]


class Lift(Handler):
    """Makes a ``param`` statement a ``sample`` statement from ``prior``."""

    def __init__(self, prior: Any) -> None:
        self.prior = prior

    def _prior_of(self, name: str) -> Any:
        if isinstance(self.prior, Mapping):
            return self.prior.get(name)
        if hasattr(self.prior, "log_prob"):
            return self.prior
        return self.prior(name)

    def handle(self, site: Site, outer: Outer) -> Site:
        """Exchange the parameter for a random variable."""
        if site.kind == "param":
            prior = self._prior_of(site.name)
            if prior is not None:
                return outer(site.replace(kind="sample", fn=prior, args=(), kwargs={}, value=None))
        return outer(site)


def lift(fn: Program | None = None, prior: Mapping[str, Any] | Callable[[str], Any] | Any = None) -> Any:
    """Run a program whose parameters are random variables.

    Args:
        fn: the program; without one, the handler is returned.
        prior: a distribution for every parameter, a dict from name to distribution (others stay parameters), or a
            callable that gives a distribution, or ``None``, for a name. Its shape is the parameter's: batch dims of it
            need a plate or ``.to_event()``.
    """
    if prior is None:
        raise ArgumentError("lift() needs prior=: a distribution, or a dict from parameter name to distribution.")
    return wrapped(Lift(prior), fn)

"""``substitute``: give parameters other values."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from torch import Tensor

from virgil.errors import ArgumentError, shown
from virgil.poutine.runtime import Handler
from virgil.poutine.site import Site
from virgil.poutine.wrap import Program, wrapped

__all__ = ["Substitute", "substitute"]


class Substitute(Handler):
    """Gives parameters the constrained values in ``data``; the store is neither asked nor changed."""

    def __init__(self, data: Mapping[str, Tensor]) -> None:
        if not isinstance(data, Mapping):
            raise ArgumentError(f"substitute() got data={shown(data)}; it takes a dict from parameter name to value.")
        self.data = data

    def before(self, site: Site) -> Site:
        """Fill in the parameter's value."""
        if site.kind == "param" and site.name in self.data:
            site = site.with_value(self.data[site.name])
        return site


def substitute(fn: Program | None = None, data: Mapping[str, Tensor] | None = None) -> Any:
    """Run a program with the named parameters replaced.

    Args:
        fn: the program; without one, the handler is returned.
        data: constrained value by parameter name.
    """
    if data is None:
        raise ArgumentError("substitute() needs data=, a dict from parameter name to value.")
    return wrapped(Substitute(data), fn)

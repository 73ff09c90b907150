"""``do``: intervene on a site."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from virgil.errors import ArgumentError, shown
from virgil.poutine.runtime import Handler
from virgil.poutine.site import Site
from virgil.poutine.wrap import Program, wrapped

__all__ = ["Do", "do"]


class Do(Handler):
    """Hands the program the values in ``data``, while for the handlers outside the sites happen as they would."""

    def __init__(self, data: Mapping[str, Any]) -> None:
        if not isinstance(data, Mapping):
            raise ArgumentError(f"do() got data={shown(data)}; it takes a dict from site name to value.")
        self.data = data

    def after(self, site: Site) -> Site:
        """Cut the site's value from what follows it."""
        if site.kind in ("sample", "deterministic") and self.data.get(site.name) is not None:
            return site.with_value(self.data[site.name])
        return site


def do(fn: Program | None = None, data: Mapping[str, Any] | None = None) -> Any:
    """Run a program in which the named sites hand on fixed values, whatever happened there *(Pearl 2009, section 3.2)*.

    The site itself stays in the trace as it was, latent or observed, so that intervening and conditioning compose.

    Args:
        fn: the program; without one, the handler is returned.
        data: value by site name.
    """
    if data is None:
        raise ArgumentError("do() needs data=, a dict from site name to value.")
    return wrapped(Do(data), fn)

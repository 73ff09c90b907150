"""``infer_config``: change the options of sites."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from virgil.errors import ArgumentError
from virgil.poutine.runtime import Handler
from virgil.poutine.site import Site
from virgil.poutine.wrap import Program, wrapped

__all__ = ["InferConfig", "infer_config"]


class InferConfig(Handler):
    """Merges ``config_fn(site)`` into the ``infer`` options of sample and param sites."""

    takes_turns = True

    def __init__(self, config_fn: Callable[[Site], dict[str, Any]]) -> None:
        self.config_fn = config_fn

    def before(self, site: Site) -> Site:
        """Merge the options."""
        if site.kind in ("sample", "param"):
            site = site.replace(infer={**site.infer, **self.config_fn(site)})
        return site


def infer_config(fn: Program | None = None, config_fn: Callable[[Site], dict[str, Any]] | None = None) -> Any:
    """Run a program with other inference options.

    Args:
        fn: the program; without one, the handler is returned.
        config_fn: from a site to the options to add or change.
    """
    if config_fn is None:
        raise ArgumentError("infer_config() needs config_fn=, a function from a site to a dict of options.")
    return wrapped(InferConfig(config_fn), fn)

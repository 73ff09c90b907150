"""``replay``: run a program with the values of another execution."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from torch import Tensor

from virgil.errors import ArgumentError, a_kind
from virgil.poutine.runtime import Handler
from virgil.poutine.site import Site
from virgil.poutine.trace import Trace
from virgil.poutine.wrap import Program, wrapped

__all__ = ["Replay", "replay"]


class Replay(Handler):
    """Gives latent sites and the indices of plates their values in ``trace``."""

    def __init__(self, trace: Trace | None = None, params: Mapping[str, Tensor] | None = None) -> None:
        if trace is None and params is None:
            raise ArgumentError("replay() needs trace= or params=; it got neither.")
        if trace is not None and not hasattr(trace, "nodes"):
            raise ArgumentError(
                f"replay() got {a_kind(type(trace))} as its trace; it takes one of trace(program).get_trace()."
            )
        self.nodes = {} if trace is None else trace.nodes
        self.params = params or {}

    def before(self, site: Site) -> Site:
        """Fill in the value recorded under the site's name."""
        name = site.name
        if (site.kind == "sample" or site.kind == "plate") and not site.observed:
            known = self.nodes.get(name)
            if known is not None:
                if known.kind != site.kind or (known.observed and known.kind == "sample"):
                    raise ArgumentError(
                        f"replay() met the latent {site.kind} site {name!r}, but in the trace it is "
                        f"{'observed' if known.observed else f'a {known.kind} site'}. Only a latent value can be "
                        f"replayed."
                    )
                site = site.with_value(known.value)
        elif site.kind == "param" and name in self.params:
            site = site.with_value(self.params[name])
        return site


def replay(fn: Program | None = None, trace: Trace | None = None, params: Mapping[str, Tensor] | None = None) -> Any:
    """Run a program so that its latent sites take the values recorded in ``trace``; sites it lacks are drawn.

    Args:
        fn: the program; without one, the handler is returned.
        trace: an earlier execution.
        params: values for parameters, by name.
    """
    return wrapped(Replay(trace, params), fn)

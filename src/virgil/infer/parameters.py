"""Which parameters a computation reads."""

from __future__ import annotations

from torch import Tensor

from virgil.poutine.runtime import Handler, Outer
from virgil.poutine.site import Site

__all__ = ["ReadParameters"]


class ReadParameters(Handler):
    """Records the unconstrained leaf of every parameter that is read, in ``leaves``, by name."""

    def __init__(self) -> None:
        self.leaves: dict[str, Tensor] = {}

    def handle(self, site: Site, outer: Outer) -> Site:
        """Record a parameter; a value that some handler put in its place has no leaf and is not learnt."""
        site = outer(site)
        if site.kind == "param":
            # the last read counts: a dry run before the first step reads leaves that are discarded
            leaf = getattr(site.value, "unconstrained", None)
            if leaf is not None:
                self.leaves[site.name] = leaf()
            elif site.value.is_leaf and site.value.requires_grad:
                self.leaves[site.name] = site.value
        return site

"""The parameters that a computation reads."""

from __future__ import annotations

from torch import Tensor

from virgil.errors import ParamError
from virgil.params import get_param_store
from virgil.params.entry import LeafRef
from virgil.poutine.runtime import Handler
from virgil.poutine.site import Site

__all__ = ["ReadParameters", "leaf_of"]


def leaf_of(site: Site) -> Tensor | None:
    """The leaf of a parameter's site, to be learnt; ``None`` where a handler has put another value there."""
    ref: LeafRef | None = getattr(site.value, "unconstrained", None)
    if ref is not None:
        return ref()
    return site.value if site.value.is_leaf and site.value.requires_grad else None


class ReadParameters(Handler):
    """Records the unconstrained leaf of every parameter that is read, in ``leaves``, by name.

    Raises:
        ParamError: two modules have parameters of one name.
    """

    def __init__(self) -> None:
        self.leaves: dict[str, Tensor] = {}

    def after(self, site: Site) -> Site:
        """Record a parameter; a value that some handler put in its place has no leaf and is not learnt."""
        if site.kind == "param":
            # the last read counts: a dry run before the first step reads leaves that are discarded
            leaf = leaf_of(site)
            if leaf is not None:
                self._note(site.name, leaf)
        return site

    def _note(self, name: str, leaf: Tensor) -> None:
        before = self.leaves.get(name)
        if before is not None and before is not leaf and get_param_store().is_of_module(name):
            raise ParamError(
                f"Parameter {name!r} belongs to two modules: in one step it was read as a tensor of shape "
                f"{tuple(before.shape)} and as another of shape {tuple(leaf.shape)}, and only one of them would be "
                "learnt. Give one of the modules a name, such as PyroModule(name=...), or make it an attribute of an "
                "outer module; and make a module once, not inside the program."
            )
        self.leaves[name] = leaf

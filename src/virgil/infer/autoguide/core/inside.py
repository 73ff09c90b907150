"""``Inside``: the handler under which a guide runs its model, at values that the guide has chosen."""

from __future__ import annotations

from collections.abc import Mapping

from torch import Tensor

from virgil.poutine.plate import plate
from virgil.poutine.runtime import Handler, Outer
from virgil.poutine.site import Site

__all__ = ["Inside", "indices_of"]


def indices_of(plates: Mapping[str, plate]) -> dict[str, Tensor]:
    """The indices of plates that have been made, by name."""
    return {name: each.indices for name, each in plates.items()}


class Inside(Handler):
    """Gives latent sites the values that the guide has for them, and lets out the mini-batches that the model takes.

    All other statements, parameters included, are resolved here: no handler outside sees them, and the model itself
    states them.

    Args:
        values: of latent sites, by name.
        indices: of the plates that have been made, by name; those of further plates are added.
    """

    def __init__(self, values: Mapping[str, Tensor], indices: dict[str, Tensor]) -> None:
        self.values = values
        self.indices = indices

    def handle(self, site: Site, outer: Outer) -> Site:
        """Treat one statement."""
        if site.kind == "plate":
            return self._plate(site, outer)
        if site.is_latent:
            return self._latent(site, outer)
        return site.resolve()

    def _plate(self, site: Site, outer: Outer) -> Site:
        known = self.indices.get(site.name)
        if known is not None:
            return site.with_value(known).resolve()
        finished = outer(site)
        self.indices[site.name] = finished.value
        return finished

    def _latent(self, site: Site, outer: Outer) -> Site:
        value = self.values.get(site.name)
        return (site if value is None else site.with_value(value)).resolve()

"""Batch dims without a plate that count as dims of the event, though nothing declares them so."""

from __future__ import annotations

from collections.abc import Sequence

from virgil.poutine.site import Site

__all__ = ["undeclared_dims"]


def undeclared_dims(site: Site, batch_shape: Sequence[int]) -> list[int]:
    """The dims of more than one entry, right of the site's leftmost plate, that belong to no plate.

    In a plate at dim -2 alone, a batch of shape ``(5, 3)`` has such a dim at -1: each slot of the plate has three
    entries there, as an event of three would. Left of all plates there are none, since dims of particles and of
    enumerated variables are there.

    Args:
        site: has the plates.
        batch_shape: of its distribution or log-probability.
    """
    plates = {frame.dim for frame in site.frames if frame.dim is not None and not frame.particle}
    if not plates:
        return []
    taken = plates.union(site.variables, (step.dim for step in site.steps))
    dims = range(max(min(plates), -len(batch_shape)), 0)
    return [dim for dim in dims if batch_shape[dim] != 1 and dim not in taken]

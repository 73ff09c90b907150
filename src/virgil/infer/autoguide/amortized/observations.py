"""The data of a plate's slots, read from a run of the model, as rows of features."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor

from virgil.distributions import Categorical
from virgil.distributions.core.feasible_value import feasible_value
from virgil.errors import ArgumentError
from virgil.infer.density.bijection import is_discrete
from virgil.infer.density.initialization import dtype_and_device
from virgil.poutine.frame import plates_shape
from virgil.poutine.runtime import Handler, Outer
from virgil.poutine.site import Site

__all__ = ["Observations", "check_data", "features", "in_plate"]


class Observations(Handler):
    """Runs a model for its data, unseen by the handlers outside: latent sites have any value of their support.

    Args:
        indices: by plate, the mini-batch to take, where the model does not give its own.

    Attributes:
        sites: the observed sites, by name.
    """

    def __init__(self, indices: Mapping[str, Tensor]) -> None:
        self.indices = indices
        self.sites: dict[str, Site] = {}

    def handle(self, site: Site, outer: Outer) -> Site:
        """Treat one statement."""
        if site.value is None and site.kind == "plate" and site.name in self.indices:
            site = site.with_value(self.indices[site.name])
        elif site.value is None and site.is_latent:
            site = site.with_value(_any_value(site))
        finished = site.resolve()
        if finished.kind == "sample" and finished.observed and not finished.is_factor:
            self.sites[finished.name] = finished
        return finished


def _any_value(site: Site) -> Tensor | None:
    shape = plates_shape(site.name, site.fn.batch_shape, site.frames) + site.fn.event_shape
    try:
        return feasible_value(site.fn.support, shape, **dtype_and_device(site.fn))
    except (ArgumentError, NotImplementedError):
        return None


def in_plate(site: Site, plate: str) -> bool:
    """True for a site in a vectorised plate of this name."""
    return any(frame.name == plate and frame.dim is not None for frame in site.frames)


def check_data(site: Site, plate: str) -> None:
    """Check that an encoder can read an observed site by the slots of a plate.

    Raises:
        ArgumentError: the plate is inside another one, or a plate inside it has mini-batches.
    """
    if site.frames[0].name != plate:
        raise ArgumentError(
            f"Site {site.name!r} has plate {site.frames[0].name!r} around plate {plate!r}. AutoAmortized takes the "
            "outermost plate; plates inside it are pooled."
        )
    for frame in site.frames[1:]:
        if frame.dim is None or frame.size != frame.full_size:
            raise ArgumentError(
                f"Site {site.name!r} is in plate {frame.name!r} inside of {plate!r}, which is iterated or has "
                "mini-batches of its own. The encoder reads all data of a slot: enter the plate by with, and whole."
            )


def features(site: Site, plate: str, dtype: torch.dtype) -> tuple[Tensor, Tensor]:
    """The data of one site, by slot and item; entries that are masked out are 0.

    An item is a place in the plates inside. A category is one-hot, a count its ``log1p``, all else is as it is.

    Returns:
        Features, shape ``(slots, items, features)``, and 1 where an item is there, shape ``(slots, items, 1)``.
    """
    value, batch = _encoded(site, dtype), plates_shape(site.name, site.fn.batch_shape, site.frames)
    value = value.expand(*batch, value.shape[-1])
    order = _order(site, plate, len(batch))
    items = 1
    for dim in order[1 : len(site.frames)]:
        items *= batch[dim]
    slots = batch[order[0]]
    mask = torch.as_tensor(True if site.mask is None else site.mask, device=value.device).expand(batch)
    mask = mask.permute(order).reshape(slots, items, -1)
    value = value.permute(*order, len(batch)).reshape(slots, items, mask.shape[-1], -1)
    value = torch.where(mask[..., None], value, torch.zeros((), dtype=dtype, device=value.device))
    return value.flatten(2), mask.any(-1, keepdim=True).to(dtype)


def _order(site: Site, plate: str, count: int) -> list[int]:
    """The batch dims: the plate's, those of plates inside, then those of no plate."""
    dims = sorted((frame.name != plate, count + frame.dim) for frame in site.frames if frame.dim is not None)
    placed = [dim for _, dim in dims]
    return placed + [dim for dim in range(count) if dim not in placed]


def _encoded(site: Site, dtype: torch.dtype) -> Tensor:
    """The value with one dim of features on the right."""
    fn: Any = site.fn
    value = torch.as_tensor(site.value)
    while hasattr(fn, "base_dist") and not isinstance(fn, Categorical):
        fn = fn.base_dist
    if isinstance(fn, Categorical):
        classes = torch.arange(fn.probs.shape[-1], device=value.device)
        encoded = (value[..., None] == classes).to(dtype)
    else:
        encoded = value.to(dtype)[..., None]
        if is_discrete(site.fn):
            encoded = torch.where(encoded > 0, encoded, torch.zeros_like(encoded)).log1p()
    return encoded.flatten(encoded.dim() - 1 - len(site.fn.event_shape)) if site.fn.event_shape else encoded

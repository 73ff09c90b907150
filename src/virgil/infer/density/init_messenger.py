"""The handler that begins each latent site of a program where an initialisation function says."""

from __future__ import annotations

from typing import Any, cast

import torch
from torch import Tensor

from virgil.errors import ArgumentError, ShapeError, a_kind, shown
from virgil.infer.density.bijection import is_discrete
from virgil.infer.density.initialization import InitFn, given_names
from virgil.ops.broadcast import broadcasts_to
from virgil.poutine.frame import plates_shape
from virgil.poutine.reparam import Proposing
from virgil.poutine.runtime import Outer
from virgil.poutine.site import Site

__all__ = ["InitMessenger"]


class InitMessenger(Proposing):
    """Gives every latent site the value that ``init_fn`` makes for it.

    Attributes:
        values: the values made. Inside a plate that is subsampled a value may have the plate's full size; the program
            gets its mini-batch.
    """

    def __init__(self, init_fn: InitFn) -> None:
        self.init_fn = init_fn
        self.values: dict[str, Tensor] = {}
        self._indices: dict[str, Tensor] = {}

    def handle(self, site: Site, outer: Outer) -> Site:
        """Fill in the value."""
        if site.kind == "plate":
            site = outer(site)
            self._indices[site.name] = site.value
            return site
        if not site.is_latent or site.value is not None or is_discrete(site.fn):
            return outer(site)
        self.values[site.name], value = self._made(site)
        return outer(site.with_value(value))

    def proposed(self, site: Site) -> Tensor | None:
        """The value that ``init_to_value`` was given for a variable that is stated by way of others."""
        return self._made(site)[1] if site.name in given_names(self.init_fn) else None

    def _made(self, site: Site) -> tuple[Tensor, Tensor]:
        """The value that ``init_fn`` makes for a site, and its mini-batch."""
        fn = site.fn
        batch_shape = plates_shape(site.name, fn.batch_shape, site.frames)
        if batch_shape != fn.batch_shape:
            fn = fn.expand(batch_shape)
        with torch.no_grad():
            return self._fitted(site, fn, self.init_fn(site.replace(fn=fn)))

    def _fitted(self, site: Site, fn: Any, value: Any) -> tuple[Tensor, Tensor]:
        """The value as made, and its mini-batch."""
        if not isinstance(value, Tensor):
            raise ArgumentError(
                f"At site {site.name!r}, the init_loc_fn returned {shown(value)}, {a_kind(type(value))}; it "
                "must return a tensor of the site's shape."
            )
        event_shape = fn.event_shape
        sizes = list(fn.batch_shape)
        shape = torch.Size(sizes) + event_shape
        if broadcasts_to(value.shape, shape):
            value = value.detach().expand(shape).clone()
            return value, value
        cut = [frame for frame in site.frames if frame.dim is not None and frame.size != frame.full_size]
        for frame in cut:
            sizes[cast(int, frame.dim)] = frame.full_size
        full = torch.Size(sizes) + event_shape
        if not broadcasts_to(value.shape, full):
            raise ShapeError(
                f"At site {site.name!r}, the initial value has shape {tuple(value.shape)}; it must broadcast to the "
                f"site's shape, {tuple(full)}. Change what init_loc_fn gives for this site.",
                site=site.name,
            )
        value = batch = value.detach().expand(full).clone()
        for frame in cut:
            indices = self._indices.get(frame.name, torch.arange(frame.size, device=value.device))
            batch = batch.index_select(cast(int, frame.dim) - len(event_shape), indices)
        return value, batch

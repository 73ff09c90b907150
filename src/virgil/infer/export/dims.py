"""Names for the dims of a site's value: its plates', and numbered ones for the rest."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import torch
from torch import Tensor

from virgil.poutine.site import Site
from virgil.poutine.trace import Trace

__all__ = ["Dims", "whole_value"]


def whole_value(site: Site) -> Tensor:
    """The value; of an observation, in all slots of its plates."""
    value: Tensor = site.value
    return value.expand(site.fn.batch_shape + site.fn.event_shape) if site.observed and site.kind == "sample" else value


class Dims:
    """The dims of the sites of one execution.

    A plate's dim has the plate's name, with ``_dim`` behind it where a site has this name too, and the plate's indices
    as coordinates. The other dims of a site ``x`` are ``x_dim_0``, ``x_dim_1`` and so on.

    Attributes:
        coords: by plate's dim, its indices.
    """

    def __init__(self, model: Trace) -> None:
        self._model = model
        taken = {name for name, site in model.nodes.items() if site.kind in ("sample", "deterministic")}
        taken |= {"chain", "draw"}
        frames = {frame.name: frame for site in model.nodes.values() for frame in site.frames if frame.dim is not None}
        self._plates = {name: f"{name}_dim" if name in taken else name for name in frames}
        self.coords: dict[Any, Any] = {
            self._plates[name]: _indices(model, name, frame.size) for name, frame in frames.items()
        }

    def of(self, name: str) -> list[str]:
        """Of a site's value."""
        site = self._model.nodes[name]
        events = 0 if site.kind == "deterministic" else len(site.fn.event_shape)
        return self._named(name, site, whole_value(site).shape, events)

    def of_batch(self, name: str) -> list[str]:
        """Of a site's log-probability."""
        site = self._model.nodes[name]
        return self._named(name, site, site.fn.batch_shape, 0)

    def of_plates(self, plates: Iterable[str]) -> list[str]:
        """Of plates."""
        return [self._plates[name] for name in plates]

    def _named(self, name: str, site: Site, shape: torch.Size, events: int) -> list[str]:
        plates = {
            len(shape) - events + frame.dim: self._plates[frame.name]
            for frame in site.frames
            if frame.dim is not None and len(shape) - events >= -frame.dim
            if shape[frame.dim - events] == frame.size
        }
        numbers = iter(range(len(shape)))
        return [plates.get(place) or f"{name}_dim_{next(numbers)}" for place in range(len(shape))]


def _indices(model: Trace, plate: str, size: int) -> list[int]:
    site = model.nodes.get(plate)
    return list(range(size)) if site is None else [int(each) for each in site.value]

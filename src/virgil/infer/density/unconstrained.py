"""Latent sites over real vectors: which entries belong to which site, and their values in an execution."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import cast

import torch
from torch import Size, Tensor

from virgil.distributions.composed.delta import Delta
from virgil.errors import ArgumentError, SiteError
from virgil.infer.density.bijection import Bijection, find_bijection
from virgil.infer.density.vectorize import Vectorization
from virgil.poutine.enumeration import enumerated_dim
from virgil.poutine.masked_log_prob import counted
from virgil.poutine.runtime import Handler
from virgil.poutine.site import Site
from virgil.poutine.trace import Trace

__all__ = ["AtValues", "AtVectors", "Part", "check_same_sites", "is_point", "part_of"]


@dataclass(frozen=True, eq=False)
class Part:
    """The entries of one latent site in a vector.

    Attributes:
        site: in an execution with one draw.
        bijection: from unconstrained values to values.
        is_fixed: whether it is the same at all values of other sites and parameters, and not found in each execution.
        shape: of an unconstrained value in one execution, ``(*batch, *unconstrained event)``.
        size: how many entries it has: one for each number of an unconstrained value, in slots that are latent.
        places: for each number of an unconstrained value its entry, and ``size`` in slots that are observed; ``None``
            where all slots are latent.
    """

    site: Site
    bijection: Bijection
    is_fixed: bool
    shape: Size
    size: int
    places: Tensor | None

    @property
    def name(self) -> str:
        """The site's."""
        return self.site.name

    def widened(self, entries: Tensor) -> Tensor:
        """Unconstrained values, zero in observed slots. Shapes: ``(num, size)`` to ``(num, *shape)``."""
        if self.places is not None:
            entries = torch.cat([entries, entries.new_zeros(len(entries), 1)], 1).index_select(1, self.places)
        return entries.reshape(len(entries), *self.shape).to(self.site.value.dtype)

    def entries(self, unconstrained: Tensor) -> Tensor:
        """The entries of unconstrained values. Shapes: ``(num, *shape)`` to ``(num, size)``."""
        flat = unconstrained.reshape(len(unconstrained), -1)
        return flat if self.places is None else flat[:, self.places < self.size]


def part_of(site: Site) -> Part:
    """The entries of a site of an execution with one draw.

    Raises:
        ArgumentError: no bijection onto its support is known, or none that has an inverse.
    """
    bijection = find_bijection(site.name, site.fn)
    try:
        shape = bijection.inverse(site.value).shape
    except NotImplementedError:
        raise ArgumentError(
            f"At site {site.name!r}, the bijection from real vectors onto {bijection.support} has no inverse. Register "
            "one that has, by virgil.distributions.biject_to.register(...)."
        ) from None
    slots = site.latent_slots
    if slots is None or bool(slots.all()):
        return Part(site, bijection, False, shape, shape.numel(), None)
    events = bijection.unconstrained_event_dim
    latent = slots.expand(shape[: len(shape) - events]).reshape(*shape[: len(shape) - events], *(1,) * events)
    latent = latent.expand(shape).flatten()
    size = int(latent.sum())
    return Part(site, bijection, False, shape, size, torch.where(latent, latent.cumsum(0) - 1, size))


def is_point(site: Site) -> bool:
    """True for a site whose distribution is a point."""
    fn = site.fn
    while not isinstance(fn, Delta) and hasattr(fn, "base_dist"):
        fn = fn.base_dist
    return isinstance(fn, Delta)


class AtVectors(Handler):
    """Gives latent sites the values that vectors have for them, and adds up how the bijections change the volume.

    Args:
        parts: of the vectors, by site.
        draws: how the execution holds draws.
        vectors: Shape: ``(num, dim)``.

    Attributes:
        log_volume: of the sites so far, nats, float64. Shape: ``(num,)``.
        bounds: of the sites' supports, by name: those that are tensors.
    """

    def __init__(self, parts: Mapping[str, Part], draws: Vectorization, vectors: Tensor) -> None:
        self.parts = parts
        self.draws = draws
        rows = vectors.split([part.size for part in parts.values()], 1)
        self.rows = dict(zip(parts, rows, strict=True))
        self.log_volume = vectors.new_zeros(len(vectors), dtype=torch.float64)
        self.bounds: dict[str, list[Tensor]] = {}

    def before(self, site: Site) -> Site:
        """Give the site its value."""
        part = self.parts.get(site.name) if site.is_latent else None
        if part is None:
            return site
        bijection = bijection_at(site, part, self.draws, self.bounds.setdefault(site.name, []))
        row = self.draws.placed(part.widened(self.rows[site.name]), bijection.unconstrained_event_dim)
        value = bijection(row)
        change = bijection.log_abs_det_jacobian(row, value)
        if isinstance(change, Tensor):
            if part.places is not None:
                change = counted(change, cast(Tensor, site.latent_slots))
            self.log_volume = self.log_volume + change.double().reshape(len(self.log_volume), -1).sum(1)
        return site.with_value(value)


class AtValues(Handler):
    """Gives latent sites values, and finds the vectors that have them.

    Args:
        parts: of the vectors, by site.
        draws: how the execution holds draws.
        values: by site. Shape: ``(num, *shape of the site)``.

    Attributes:
        entries: by site. Shape: ``(num, size)``.
    """

    def __init__(self, parts: Mapping[str, Part], draws: Vectorization, values: Mapping[str, Tensor]) -> None:
        self.parts = parts
        self.draws = draws
        self.values = values
        self.entries: dict[str, Tensor] = {}

    def before(self, site: Site) -> Site:
        """Give the site its value."""
        part = self.parts.get(site.name) if site.is_latent else None
        if part is None:
            return site
        given = self.values[site.name]
        value = self.draws.placed(given, len(site.fn.event_shape))
        unconstrained = bijection_at(site, part, self.draws, []).inverse(value)
        self.entries[site.name] = part.entries(unconstrained.reshape(len(given), *part.shape))
        return site.with_value(value)


def bijection_at(site: Site, part: Part, draws: Vectorization, bounds: list[Tensor]) -> Bijection:
    """The bijection of a site in an execution, onto the support that the site has there.

    Args:
        site: as the program states it.
        part: what is known of it.
        draws: how the execution holds draws.
        bounds: where to note bounds of the support that are tensors.

    Raises:
        SiteError: a bound depends on a variable that is summed out.
    """
    if part.is_fixed:
        return part.bijection
    most = (-draws.dim if draws.at_once else -draws.dim - 1) + len(site.fn.event_shape)

    def bound_of(bound: Tensor) -> Tensor:
        bounds.append(bound)
        while bound.dim() > most:  # the dims of variables that are summed out
            if bound.shape[0] > 1 and bound.stride(0) != 0 and not bool((bound == bound[:1]).all()):
                raise SiteError(
                    f"At site {site.name!r}, the support of {type(site.fn).__name__} has a bound that depends on a "
                    "variable that is summed out, so that no bijection from real vectors serves all its values. Use a "
                    "support that is the same for all of them, and scale the value.",
                    site=site.name,
                )
            bound = bound[0]
        return bound

    return find_bijection(site.name, site.fn, bound_of)


def check_same_sites(parts: Mapping[str, Part], model: Trace) -> None:
    """Check that an execution has the latent sites that the vectors have entries for, and no others.

    Raises:
        SiteError: it has others, or lacks one.
    """
    latent = {name for name, site in model.nodes.items() if site.is_latent}
    free = {name for name in latent if enumerated_dim(model.nodes[name]) is None and not is_point(model.nodes[name])}
    for name in [*(name for name in parts if name not in latent), *(name for name in free if name not in parts)]:
        raise SiteError(
            f"Site {name!r} is in one execution of the model and not in another, so that its posterior is no density "
            "over vectors of one length. State all latent sites in every execution.",
            site=name,
        )

"""``Latent``: a guide's knowledge of one latent site of its model, found once."""

from __future__ import annotations

from dataclasses import dataclass
from typing import cast

import torch
from torch import Tensor
from torch.distributions.transforms import Transform

from virgil.errors import ArgumentError, MismatchError
from virgil.infer.autoguide.core.plates import Batches
from virgil.infer.density.bijection import Bijection, find_bijection, is_discrete
from virgil.poutine.frame import Frame
from virgil.poutine.site import Site

__all__ = ["Latent", "at_full_size", "check_continuous", "find_latent", "latent_of"]


@dataclass(frozen=True, slots=True)
class Latent:
    """A latent site.

    Attributes:
        name: the site's.
        bijection: from unconstrained values to its support.
        value: initial value. Shape: ``(*plates at full size, *event)``.
        frames: the plates around it when the guide was made, outermost first.
        batch_shape: of the value, plates at full size.
        event_shape: of the value.
        latent_slots: the slots that are no data, where ``obs_mask`` says that some are; else ``None``. Shape:
            ``(*plates,)``, those of the guide's first call.
    """

    name: str
    bijection: Bijection
    value: Tensor
    frames: tuple[Frame, ...]
    batch_shape: torch.Size
    event_shape: torch.Size
    latent_slots: Tensor | None = None

    @property
    def partly_observed(self) -> bool:
        """True where some slots are data."""
        return self.latent_slots is not None

    @property
    def unconstrained(self) -> Tensor:
        """The initial value in unconstrained space."""
        return self.bijection.inverse(self.value)

    @property
    def latent_entries(self) -> Tensor | None:
        """True for numbers of the unconstrained value that lie in latent slots; ``None`` where all do."""
        if self.latent_slots is None:
            return None
        shape = self.unconstrained.shape
        slots = self.latent_slots.reshape(*self.batch_shape, *(1,) * (len(shape) - len(self.batch_shape)))
        return slots.expand(shape)

    @property
    def initial_entries(self) -> Tensor:
        """The numbers of the initial value in unconstrained space, those in latent slots, in a row."""
        value, entries = self.unconstrained, self.latent_entries
        return value.flatten() if entries is None else value[entries]

    def held(self, log_density: Tensor | float, value: Tensor, batches: Batches | None = None) -> Tensor | float:
        """A log-density by slot, and minus infinity in slots that were data at the first call.

        A guide has no density there. The bound leaves these slots out, as long as they are data.

        Args:
            log_density: Shape: ``(*outer plates, *plates)``.
            value: at which it is taken.
            batches: the plates of this call; without them all slots.
        """
        if self.latent_slots is None:
            return log_density
        slots = self.latent_slots if batches is None else self.cut(self.latent_slots, 0, batches)
        each = torch.as_tensor(log_density, dtype=value.dtype, device=value.device)
        return torch.where(slots.to(value.device), each, -torch.inf)

    def frames_in(self, batches: Batches) -> tuple[Frame, ...]:
        """The plates around it in this execution."""
        return tuple([batches[frame.name][0] if frame.dim is not None else frame for frame in self.frames])

    def cut(self, tensor: Tensor, event_dim: int, batches: Batches) -> Tensor:
        """The mini-batch of a tensor that has the plates' full size."""
        for frame in self.frames:
            if frame.dim is not None:
                indices = batches[frame.name][1]
                if indices is not None:
                    tensor = tensor.index_select(frame.dim - event_dim, indices)
        return tensor


def find_latent(site: Site, value: Tensor) -> Latent:
    """Find a guide's knowledge of a site of the prototype trace.

    Args:
        site: the site.
        value: its initial value, at the mini-batch's or at full size.

    Raises:
        MismatchError: a discrete site.
        ArgumentError: a site that a guide cannot hold parameters for.
    """
    check_continuous(site)
    bijection = find_bijection(site.name, site.fn)
    for frame in site.frames:
        if frame.dim is not None and frame.size != frame.full_size and _varies_along(bijection.transform, frame.dim):
            raise ArgumentError(
                f"Site {site.name!r} has a support whose bounds differ between the slots of plate {frame.name!r}, of "
                f"which only a mini-batch was seen. Use bounds that are the same in all slots, and scale the value."
            )
    return latent_of(site, bijection, value)


def latent_of(site: Site, bijection: Bijection, value: Tensor) -> Latent:
    """Make a guide's knowledge of a site whose bijection is found.

    Raises:
        ArgumentError: it is in a plate that is iterated over a mini-batch.
    """
    event_dim = len(site.fn.event_shape)
    value = at_full_size(site, value, event_dim)
    batch_dim = value.dim() - event_dim
    shape = value.shape
    slots = site.latent_slots
    if slots is not None:
        seen = site.value.shape[:batch_dim]
        slots = None if bool(slots.all()) else at_full_size(site, slots.expand(seen), 0)
    return Latent(site.name, bijection, value, site.frames, shape[:batch_dim], shape[batch_dim:], slots)


def at_full_size(site: Site, tensor: Tensor, event_dim: int) -> Tensor:
    """A tensor for a mini-batch of a site's slots as one for all slots: slots not seen begin like those seen, in turn.

    Args:
        site: the site.
        tensor: at the mini-batch's or at full size. Shape: ``(*batch, *event)``.
        event_dim: dims of the tensor right of the plates'.

    Raises:
        ArgumentError: the site is in a plate that is iterated over a mini-batch.
    """
    for frame in site.frames:
        if frame.size == frame.full_size:
            continue
        if frame.dim is None:
            raise ArgumentError(
                f"Site {site.name!r} is in plate {frame.name!r}, which is iterated over a mini-batch, so that its "
                "sites change from call to call. Enter the plate by with, or give these sites a guide of your own."
            )
        dim = frame.dim - event_dim
        if tensor.shape[dim] != frame.full_size:
            slots = torch.arange(frame.full_size, device=tensor.device) % tensor.shape[dim]
            tensor = tensor.index_select(dim, slots)
    return tensor


def check_continuous(site: Site) -> None:
    """Check that a site's values are continuous.

    Raises:
        MismatchError: they are not.
    """
    if is_discrete(site.fn):
        raise MismatchError(
            f"Site {site.name!r} is discrete, {type(site.fn).__name__}, and a guide of this family holds continuous "
            "values only. Sum it out, by TraceEnum_ELBO, and make the guide from the others: "
            "AutoNormal(poutine.block(model, expose=[...])) with the names of the continuous sites."
        )


def _varies_along(transform: Transform | None, dim: int) -> bool:
    parts = cast(list[Transform], getattr(transform, "parts", [transform]))
    bounds = [getattr(part, key, None) for part in parts for key in ("loc", "scale")]
    return any(isinstance(bound, Tensor) and bound.dim() >= -dim and bound.shape[dim] > 1 for bound in bounds)

"""The log-density of a scored variable of the guide in its own cost, and the zero-mean part of its derivative."""

from __future__ import annotations

import torch
from torch import Tensor

from virgil.infer.density.execution import Pair
from virgil.infer.elbo.downstream import Stated
from virgil.poutine.masked_log_prob import counted
from virgil.poutine.site import Site

__all__ = ["counted_slots", "is_own"]


def is_own(position: int, site: Site, term: Stated) -> bool:
    """True if a term is made of the density of this statement of the guide; a factor is no density by itself."""
    return (
        not site.is_factor
        and term.model_position is None
        and term.guide_position == position
        and site.name in term.sites
    )


def counted_slots(site: Site, pair: Pair) -> float | Tensor:
    r"""One where the density of a guide's variable counts in the bound, and zero where it is masked.

    With these slots :math:`m` and a scale :math:`s` the bound has :math:`-s m \log q(z)`, and its derivative has
    :math:`-s m \nabla \log q(z)`. Scale and mask are fixed before :math:`z` is drawn from :math:`q`, so that

    .. math:: \mathbb{E}_{q(z)}\bigl[s\, m\, \nabla \log q(z)\bigr] = s\, m\, \nabla \int q(z)\, dz = 0,

    given all that :math:`q` depends on: it is mere noise. :math:`s m`, added to the cost of the variable's own score,
    takes it away. Shape: ``(*plates,)``, or a number for all slots.
    """
    model = pair.model.nodes.get(site.name)
    masks = [site.mask, None if model is None else model.latent_slots]
    if all(mask is None for mask in masks):
        return 1.0
    slots = torch.ones_like(site.unscaled_log_prob, requires_grad=False)
    for mask in masks:
        slots = slots if mask is None else counted(slots, mask)
    return slots

"""The costs of an execution in which no variable has several values: one for each term, dims by position."""

from __future__ import annotations

import functools

import torch
from torch import Tensor

from virgil.infer.density.execution import Pair
from virgil.infer.elbo.costs import IsScored, per_particle
from virgil.infer.elbo.downstream import Downstream, downstream
from virgil.infer.elbo.own_density import counted_slots, is_own
from virgil.infer.elbo.terms import Term
from virgil.poutine.frame import Frame
from virgil.poutine.site import Site

__all__ = ["SiteCosts"]


class SiteCosts:
    """The terms of an execution, summed over their plates.

    Args:
        pair: the execution.
        terms: its terms.
        particle_dim: the dim of the particles; ``None`` where there is but one.
    """

    __slots__ = ("pair", "particle_dim", "terms")

    def __init__(self, pair: Pair, terms: list[Term], particle_dim: int | None) -> None:
        self.pair = pair
        self.terms = terms
        self.particle_dim = particle_dim

    def log_weights(self) -> Tensor:
        """The sum of all terms, for each particle."""
        added: Tensor | None = None
        taken: Tensor | None = None
        for term in self.terms:
            total, weight = term.scaled, term.site.weight
            if total.dim():
                total = total.sum() if self.particle_dim is None else self._summed(total)
            if weight != 1.0:
                total = total * weight
            if term.sign > 0:
                added = total if added is None else added + total
            else:
                taken = total if taken is None else taken + total
        added = torch.zeros(()) if added is None else added
        return added if taken is None else added - taken

    def scores(self, is_scored: IsScored) -> Tensor | None:
        """The score function's surrogate, for each particle; see ``Costs``."""
        drawn = [
            (position, site)
            for position, site in enumerate(self.pair.guide.nodes.values())
            if site.is_latent and is_scored(site)
        ]
        if not drawn:
            return None
        below = downstream(self.pair)
        scores = [self._summed(self._score(position, site, below)) for position, site in drawn]
        return functools.reduce(torch.add, scores)

    def _score(self, position: int, site: Site, below: Downstream) -> Tensor:
        """``log q`` of a variable times the weighted cost that it can influence. Shape: ``(*plates,)``."""
        cost = torch.zeros((), device=site.unscaled_log_prob.device)
        for term in self.terms:
            apart = below.apart(position, site.frames, term)
            if apart is not None:
                cost = cost + _reduced(term, apart) * (term.sign * term.site.weight)
            if term.site is site and is_own(position, site, term):
                cost = cost + counted_slots(site, self.pair) * (site.scale * site.weight)
        return site.unscaled_log_prob * cost

    def _summed(self, value: Tensor) -> Tensor:
        dim = self.particle_dim
        return per_particle(value, None if dim is None or value.dim() < -dim else value.dim() + dim)


def _reduced(term: Term, apart: tuple[Frame, ...]) -> Tensor:
    """The term summed over every dim that is not of these plates, detached."""
    value = term.scaled.detach()
    shared = {frame.dim for frame in term.frames if frame in apart}
    summed = [dim for dim in range(-value.dim(), 0) if dim not in shared]
    return value.sum(summed, keepdim=True) if summed else value

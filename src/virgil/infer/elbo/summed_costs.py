"""The costs of an execution in which variables have all their values: dims by name."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor

from virgil.errors import ArgumentError
from virgil.infer.density.execution import Pair
from virgil.infer.density.factors import Cost, factor_of, piece_of, plate_weights, scale_of
from virgil.infer.density.summed_out import model_variables, summed_costs
from virgil.infer.elbo.costs import Costs, IsScored
from virgil.infer.elbo.downstream import downstream
from virgil.infer.elbo.guide_average import GuideAverage
from virgil.infer.elbo.own_density import counted_slots, is_own
from virgil.infer.elbo.site_costs import SiteCosts
from virgil.infer.elbo.terms import Term
from virgil.ops.factor import Factor
from virgil.poutine.enumeration import draws
from virgil.poutine.frame import Frame
from virgil.poutine.site import Site

__all__ = ["SummedCosts", "costs_of", "sum_out"]


def sum_out(pair: Pair, terms: list[Term], particle_dim: int | None) -> Costs:
    r"""The costs of an execution with the model's variables summed out, and the guide's to be averaged over.

    With :math:`x` what is observed, :math:`m` the variables that the model sums out, :math:`e` those that the guide
    enumerates and :math:`z` the others, the costs are those of

    .. math:: \mathrm{ELBO} = \mathbb{E}_{q(z)} \sum_e q(e \mid z) \Bigl[\log \sum_m p(x, m, e, z) - \log q(e, z)\Bigr]

    *(Obermeyer et al. 2019)*.
    """
    variables = model_variables(pair)
    weights = plate_weights(pair)
    average = GuideAverage(pair.guide, weights)
    if not variables and average.is_trivial:
        return SiteCosts(pair, terms, particle_dim)
    return SummedCosts(pair, costs_of(pair, terms, variables, weights), average)


def costs_of(pair: Pair, terms: list[Term], variables: frozenset[str], weights: Mapping[str, float]) -> list[Cost]:
    """The costs, before they are averaged over what the guide enumerates.

    Args:
        pair: an execution.
        terms: its terms.
        variables: those that the model sums out.
        weights: of the plates, by name.
    """
    pieces = [
        piece_of(term.site, term.value, term.model_position or 0, term.site.name in variables)
        for term in terms
        if _is_factor(term)
    ]
    costs = summed_costs(pieces, pair.model, variables, weights)
    return costs + [_cost(term, variables) for term in terms if not _is_factor(term)]


def _is_factor(term: Term) -> bool:
    """True if the term is the logarithm of a factor of the model's joint probability."""
    return term.sign > 0 and term.guide_position is None


def _cost(term: Term, variables: frozenset[str]) -> Cost:
    site = term.site
    factor = factor_of(site, term.value * scale_of(site))
    if met := variables.intersection(factor.dims):
        raise ArgumentError(
            f"terms= gave site {site.name!r} a term that depends on {sorted(met)[0]!r}, which the model sums out. Only "
            "a log-probability of the model can stand inside that sum; return the sampled terms for this site."
        )
    return Cost(term.sign, factor, term.guide_position, term.model_position, term.rounds, term.sites)


class SummedCosts:
    """The costs of an execution over plates and over the variables that the guide enumerates.

    Args:
        pair: the execution.
        costs: its costs.
        average: the joint distribution of the variables that the guide enumerates.
    """

    __slots__ = ("average", "costs", "pair")

    def __init__(self, pair: Pair, costs: list[Cost], average: GuideAverage) -> None:
        self.pair = pair
        self.costs = costs
        self.average = average

    def log_weights(self) -> Tensor:
        """The expected sum of all costs, for each particle."""
        total = torch.zeros(())
        for cost in self.costs:
            expected = self.average.total(cost.factor)
            total = total + expected if cost.sign > 0 else total - expected
        return total

    def scores(self, is_scored: IsScored) -> Tensor | None:
        """The score function's surrogate, for each particle, averaged over enumerated variables; see ``Costs``."""
        drawn = [
            (position, site)
            for position, site in enumerate(self.pair.guide.nodes.values())
            if site.is_latent and is_scored(site)
        ]
        if not drawn:
            return None
        below = downstream(self.pair)
        total = torch.zeros(())
        for position, site in drawn:
            density = factor_of(site, site.unscaled_log_prob)
            for cost in self.costs:
                apart = below.apart(position, site.frames, cost) if self._can_matter(site, cost) else None
                if apart is not None:
                    joined = _joined(site, apart, cost.factor)
                    total = total + cost.sign * self.average.surrogate(density, cost.factor, joined)
                if is_own(position, site, cost):
                    counts = torch.as_tensor(counted_slots(site, self.pair) * scale_of(site)).detach()
                    own = factor_of(site, site.unscaled_log_prob * counts)
                    ones = Factor(torch.ones_like(own.logs), own.dims)
                    total = total + self.average.surrogate(own, ones, frozenset())
        return total

    def _can_matter(self, site: Site, cost: Cost) -> bool:
        """False if the variable has several draws and the cost lacks their dim, so that they cannot influence it."""
        return draws(site) is None or site.name in self.average.behind(cost.factor.dims)


def _joined(site: Site, apart: tuple[Frame, ...], cost: Factor) -> frozenset[str]:
    return frozenset(frame.name for frame in site.frames if frame not in apart).intersection(cost.dims)

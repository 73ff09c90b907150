"""Averages over the variables that a guide enumerates, with its own exact probabilities or over several draws."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import torch
from torch import Tensor

from virgil.errors import PlateError
from virgil.infer.density.execution import PARTICLES
from virgil.infer.density.factors import factor_of
from virgil.infer.elbo.branches import is_chosen
from virgil.infer.elbo.costs import per_particle
from virgil.ops.factor import Factor
from virgil.ops.semiring import SUM
from virgil.ops.sum_product import contract
from virgil.poutine.enumeration import draws, enumerated_dim
from virgil.poutine.site import Site
from virgil.poutine.trace import Trace

__all__ = ["GuideAverage"]

_ELSEWHERE = "'"  # marks a plate's slots that are summed apart from those of the same plate around a site


@dataclass(frozen=True, slots=True, eq=False)
class _Chosen:
    """A variable enumerated one value after another: the probability of its value, in each slot of its plates."""

    probability: Factor
    plates: frozenset[str]
    count: int


class GuideAverage:
    """The joint distribution of the variables that the guide enumerates.

    Draws have equal weights, and those of one number in all slots of a plate are one joint draw, so that what lies
    outside the plate may depend on them. Variables enumerated one value after another have one value here, the same in
    all slots of their plates. Its probability in a slot is a weight of all that lies in the slot. What lies outside
    the plate depends on none of the slots, and so is the same in each execution, of which all count equally there.
    """

    def __init__(self, guide: Trace, weights: Mapping[str, float]) -> None:
        self.weights = weights
        self._factors: dict[str, Factor] = {}
        self._plates: dict[str, frozenset[str]] = {}
        self._chosen: list[_Chosen] = []
        self._marginals: dict[tuple[frozenset[str], tuple[_Chosen, ...]], Factor] = {}
        for name, site in guide.nodes.items():
            if site.kind == "sample" and (count := draws(site)) is not None:
                each = site.unscaled_log_prob.new_full((count,), -math.log(count))
                self._factors[name], self._plates[name] = Factor(each, (name,)), frozenset()
            elif site.kind == "sample" and enumerated_dim(site) is not None:
                self._factors[name] = factor_of(site, site.unscaled_log_prob)
                self._plates[name] = frozenset(frame.name for frame in site.frames if frame.dim is not None)
            elif site.kind == "sample" and is_chosen(site):
                self._chosen.append(_chosen(site))

    @property
    def variables(self) -> frozenset[str]:
        """The names of the variables enumerated in parallel."""
        return frozenset(self._factors)

    @property
    def is_trivial(self) -> bool:
        """True if the guide enumerates nothing."""
        return not self._factors and not self._chosen

    def marginal(self, variables: frozenset[str], dims: Iterable[str]) -> Factor:
        """The logarithm of the joint probability of some variables, in each slot of their plates.

        It is that of the choices as well which have all their plates among ``dims``, those of a cost.
        """
        chosen = self._chosen_in(dims)
        known = self._marginals.get((variables, chosen))
        if known is None:
            needed = self._with_parents(variables, chosen)
            factors = [self._factors[name] for name in self._factors if name in needed]
            factors += [each.probability for each in chosen]
            others = math.prod(each.count for each in self._chosen if each not in chosen)
            if others > 1 or not factors:
                factors.append(Factor(torch.tensor(-math.log(others)), ()))
            known = self._marginals[variables, chosen] = contract(factors, needed - variables, SUM)
        return known

    def behind(self, dims: Iterable[str]) -> frozenset[str]:
        """The variables among the dims of a cost, and all others on which their probability, or a choice's, depends."""
        return self._with_parents(self.variables.intersection(dims), self._chosen_in(dims))

    def _chosen_in(self, dims: Iterable[str]) -> tuple[_Chosen, ...]:
        """The variables enumerated one value after another that lie in no other plates than these."""
        return tuple(each for each in self._chosen if each.plates.issubset(dims))

    def _with_parents(self, variables: frozenset[str], chosen: tuple[_Chosen, ...]) -> frozenset[str]:
        needed = variables.union(*(self.variables.intersection(each.probability.dims) for each in chosen))
        open_ = list(needed)
        while open_:
            for parent in self.variables.intersection(self._factors[open_.pop()].dims) - needed:
                needed |= {parent}
                open_.append(parent)
        return needed

    def total(self, cost: Factor) -> Tensor:
        """The expected cost, summed over its plates with their weights. Shape: ``()`` or ``(particles,)``."""
        variables = self.variables.intersection(cost.dims)
        if not variables and not self._chosen:
            return self._weighted(_summed(cost.logs, cost.dims), cost)
        self._check_local(variables, cost)
        marginal = self.marginal(variables, cost.dims)
        dims = _union(marginal, cost)
        probability, value = marginal.aligned(dims).exp(), cost.aligned(dims)
        value = torch.where(probability > 0, value, value.new_zeros(()))  # log 0 that never happens counts nothing
        return self._weighted(_summed(probability * value, dims), cost)

    def surrogate(self, density: Factor, cost: Factor, joined: frozenset[str]) -> Tensor:
        """``log q`` of a drawn variable times the cost that it influences, averaged over enumerated ones.

        Shape: ``()`` or ``(particles,)``.

        Args:
            density: the logarithm of the variable's density.
            cost: what it may influence.
            joined: plates of both in which the variable may influence every slot of the cost, and not its own alone.
        """
        above, below = (self.variables.intersection(factor.dims) for factor in (density, cost))
        self._check_local(below, cost)
        if any(self._plates[name] & joined for name in above):
            raise PlateError(
                f"Enumerated variables {sorted(above)} of the guide stand before a drawn variable in plates "
                f"{sorted(joined)} that a later statement joins. Sample them in the guide, without enumerating."
            )
        weights = self._weighted(torch.ones((), device=cost.logs.device), cost)
        average = self.marginal(above | below, cost.dims)
        moved = {plate: plate + _ELSEWHERE for plate in joined}
        cost, average = _renamed(cost, moved), _renamed(average, moved)
        dims = _union(average, density, cost)
        probability, value = average.aligned(dims).exp().detach(), cost.aligned(dims).detach()
        value = torch.where(probability > 0, value, value.new_zeros(()))
        return _summed(probability * density.aligned(dims) * value, dims) * weights

    def _weighted(self, total: Tensor, cost: Factor) -> Tensor:
        for dim in cost.dims:
            weight = self.weights.get(dim, 1.0)
            if weight != 1.0:
                total = total * weight
        return total

    def _check_local(self, variables: frozenset[str], cost: Factor) -> None:
        for name in variables:
            missing = self._plates[name].difference(cost.dims)
            if missing:
                raise PlateError(
                    f"Variable {name!r}, which the guide enumerates in plate {sorted(missing)[0]!r}, meets a "
                    "variable outside this plate that the model sums out, so that every combination of the plate's "
                    "slots would have to be summed. Sample one of the two in the guide."
                )


def _chosen(site: Site) -> _Chosen:
    plates = frozenset(frame.name for frame in site.frames if frame.dim is not None and not frame.particle)
    count = 1 if site.enumeration is None else site.enumeration.choices
    return _Chosen(factor_of(site, site.unscaled_log_prob), plates, count)


def _summed(values: Tensor, dims: tuple[str, ...]) -> Tensor:
    return per_particle(values, dims.index(PARTICLES) if PARTICLES in dims else None)


def _union(*factors: Factor) -> tuple[str, ...]:
    return tuple(dict.fromkeys(dim for factor in factors for dim in factor.dims))


def _renamed(factor: Factor, names: Mapping[str, str]) -> Factor:
    return Factor(factor.logs, tuple(names.get(dim, dim) for dim in factor.dims)) if names else factor

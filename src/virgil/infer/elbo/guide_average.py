"""Averages over the variables that a guide enumerates, with its own exact probabilities or over several draws."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping

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
from virgil.poutine.trace import Trace

__all__ = ["GuideAverage"]

_ELSEWHERE = "'"  # marks a plate's slots that are summed apart from those of the same plate around a site


class GuideAverage:
    """The joint distribution of the variables that the guide enumerates.

    Draws have equal weights, and those of one number in all slots of a plate are one joint draw, so that what lies
    outside the plate may depend on them. Variables enumerated one value after another have one value here, whose
    probability is a weight of everything.
    """

    def __init__(self, guide: Trace, weights: Mapping[str, float]) -> None:
        self.weights = weights
        self._factors: dict[str, Factor] = {}
        self._plates: dict[str, frozenset[str]] = {}
        self._chosen: list[Factor] = []
        self._marginals: dict[frozenset[str], Factor] = {}
        for name, site in guide.nodes.items():
            if site.kind == "sample" and (count := draws(site)) is not None:
                each = site.unscaled_log_prob.new_full((count,), -math.log(count))
                self._factors[name], self._plates[name] = Factor(each, (name,)), frozenset()
            elif site.kind == "sample" and enumerated_dim(site) is not None:
                self._factors[name] = factor_of(site, site.unscaled_log_prob)
                self._plates[name] = frozenset(frame.name for frame in site.frames if frame.dim is not None)
            elif site.kind == "sample" and is_chosen(site):
                self._chosen.append(factor_of(site, site.unscaled_log_prob))

    @property
    def variables(self) -> frozenset[str]:
        """The names of the variables enumerated in parallel."""
        return frozenset(self._factors)

    @property
    def is_trivial(self) -> bool:
        """True if the guide enumerates nothing."""
        return not self._factors and not self._chosen

    def marginal(self, variables: frozenset[str]) -> Factor:
        """The logarithm of the joint probability of some variables, in each slot of their plates."""
        known = self._marginals.get(variables)
        if known is None:
            needed = self.behind(variables)
            factors = [self._factors[name] for name in self._factors if name in needed]
            known = self._marginals[variables] = contract([*factors, *self._chosen], needed - variables, SUM)
        return known

    def behind(self, variables: Iterable[str]) -> frozenset[str]:
        """The variables among these names, and all others on which their probability, or that of a choice, depends."""
        needed = self.variables.intersection(variables).union(
            *(self.variables.intersection(factor.dims) for factor in self._chosen)
        )
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
        marginal = self.marginal(variables)
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
        average = self.marginal(above | below) if above or below or self._chosen else Factor(torch.zeros(()), ())
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


def _summed(values: Tensor, dims: tuple[str, ...]) -> Tensor:
    return per_particle(values, dims.index(PARTICLES) if PARTICLES in dims else None)


def _union(*factors: Factor) -> tuple[str, ...]:
    return tuple(dict.fromkeys(dim for factor in factors for dim in factor.dims))


def _renamed(factor: Factor, names: Mapping[str, str]) -> Factor:
    return Factor(factor.logs, tuple(names.get(dim, dim) for dim in factor.dims)) if names else factor

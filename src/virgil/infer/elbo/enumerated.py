"""The bound where variables are enumerated: the model's are summed out, the guide's averaged over, others drawn."""

from __future__ import annotations

import torch
from torch import Tensor

from virgil.infer.density.execution import Pair
from virgil.infer.density.factors import (
    Cost,
    factor_of,
    plate_weights,
    scale_of,
)
from virgil.infer.density.summed_out import model_costs, model_variables
from virgil.infer.elbo.average import GuideAverage
from virgil.infer.elbo.estimator import estimate
from virgil.infer.elbo.influence import Influence
from virgil.infer.elbo.sequential import has_exact_weight
from virgil.infer.elbo.terms import all_terms, sampled
from virgil.ops.factor import Factor
from virgil.poutine.enumeration import draws
from virgil.poutine.frame import in_other_rounds, rounds_of
from virgil.poutine.masking import counted
from virgil.poutine.site import Site

__all__ = ["enumerated_estimate"]


def enumerated_estimate(pair: Pair) -> Tensor:
    r"""The ELBO with its gradient estimator, as ``estimate`` gives it, where some discrete variables are enumerated.

    With :math:`x` what is observed, :math:`m` the variables that the model sums out, :math:`e` those that the guide
    enumerates and :math:`z` the others,

    .. math:: \mathrm{ELBO} = \mathbb{E}_{q(z)} \sum_e q(e \mid z) \Bigl[\log \sum_m p(x, m, e, z) - \log q(e, z)\Bigr]

    *(Obermeyer et al. 2019)*. A scalar, nats.
    """
    variables = model_variables(pair)
    weights = plate_weights(pair)
    average = GuideAverage(pair.guide, weights)
    if not variables and average.is_trivial:
        return estimate(pair, all_terms(pair, sampled))
    costs = [*model_costs(pair, variables, weights), *_of_guide(pair)]
    total = torch.zeros(())
    for cost in costs:
        expected = average.total(cost.factor)
        total = total + expected if cost.sign > 0 else total - expected
    score = _score(pair, average, costs)
    return total if score is None else total + (score - score.detach())


def _of_guide(pair: Pair) -> list[Cost]:
    costs = []
    for position, (name, site) in enumerate(pair.guide.nodes.items()):
        if site.kind == "sample":
            log_prob = site.unscaled_log_prob
            if site.mask is not None:
                log_prob = counted(log_prob, site.mask)
            counterpart = pair.model.nodes.get(name)
            if counterpart is not None and "_latent_slots" in counterpart.infer:
                log_prob = counted(log_prob, counterpart.infer["_latent_slots"])
            factor = factor_of(site, log_prob * scale_of(site))
            costs.append(Cost(-1, factor, position, None, rounds_of(site.frames)))
    return costs


def _score(pair: Pair, average: GuideAverage, costs: list[Cost]) -> Tensor | None:
    drawn = [
        (position, site)
        for position, site in enumerate(pair.guide.nodes.values())
        if site.is_latent and not site.fn.has_rsample and not has_exact_weight(site)
    ]
    if not drawn:
        return None
    influence = Influence(pair)
    total = torch.zeros(())
    for position, site in drawn:
        density = factor_of(site, site.unscaled_log_prob)
        for cost in costs:
            if influence.reaches(position, cost) and (
                draws(site) is None or site.name in average.behind(cost.factor.dims)
            ):
                apart = influence.apart(position, site.frames, cost)
                if not in_other_rounds(cost.rounds, rounds_of(apart)):
                    total = total + cost.sign * average.surrogate(
                        density, cost.factor, _joined(site, apart, cost.factor)
                    )
    return total


def _joined(site: Site, apart: tuple[object, ...], cost: Factor) -> frozenset[str]:
    return frozenset(frame.name for frame in site.frames if frame not in apart).intersection(cost.dims)

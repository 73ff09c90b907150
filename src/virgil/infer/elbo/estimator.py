"""From terms to a scalar whose value is the objective and whose gradient is its estimator."""

from __future__ import annotations

import functools

import torch
from torch import Tensor

from virgil.infer.density.execution import Pair
from virgil.infer.elbo.influence import Influence
from virgil.infer.elbo.terms import Term
from virgil.poutine.frame import Frame, in_other_rounds, rounds_of
from virgil.poutine.site import Site

__all__ = ["downstream_cost", "estimate"]


def estimate(pair: Pair, terms: list[Term]) -> Tensor:
    r"""The ELBO, with its gradient estimator. A scalar, nats.

    With terms :math:`c_j` of weight :math:`w_j`, and :math:`D_i` the terms that the latent variable :math:`z_i` of the
    guide can influence,

    .. math:: \nabla\,\mathrm{ELBO} \approx \sum_j w_j \nabla c_j + \sum_{i\ \text{not pathwise}} \nabla \log q(z_i)
    \sum_{j \in D_i} w_j c_j

    *(Ranganath, Gerrish and Blei 2014, section 3.1; Schulman et al. 2015, corollary 1)*. The density of :math:`z_i` is
    taken without scale, mask or plate weight: these change the objective, not how the value was drawn.
    """
    total = _sum([term.total() for term in terms if term.sign > 0])
    taken = [term.total() for term in terms if term.sign < 0]
    if taken:
        total = total - _sum(taken)
    drawn = [
        (position, site)
        for position, site in enumerate(pair.guide.nodes.values())
        if site.is_latent and not site.fn.has_rsample
    ]
    if not drawn:
        return total
    influence = Influence(pair)
    surrogate = torch.stack([_score(position, site, influence, terms) for position, site in drawn]).sum()
    return total + (surrogate - surrogate.detach())


def _sum(scalars: list[Tensor]) -> Tensor:
    return functools.reduce(torch.add, scalars) if scalars else torch.zeros(())


def _score(position: int, site: Site, influence: Influence, terms: list[Term]) -> Tensor:
    cost = downstream_cost(position, site, influence, terms)
    return (site.unscaled_log_prob * cost).sum()


def downstream_cost(position: int, site: Site, influence: Influence, terms: list[Term]) -> Tensor:
    """The weighted cost that a latent variable of the guide can influence, for each slot of its plates, detached.

    Shape: broadcasts with ``site.fn.batch_shape``.
    """
    cost = torch.zeros((), device=site.unscaled_log_prob.device)
    for term in terms:
        if influence.reaches(position, term):
            apart = influence.apart(position, site.frames, term)
            if not in_other_rounds(rounds_of(term.frames), rounds_of(apart)):
                cost = cost + _reduced(term, apart) * (term.sign * term.weight)
    return cost


def _reduced(term: Term, apart: tuple[Frame, ...]) -> Tensor:
    """The term summed over every dim that is not of these plates."""
    value = term.value.detach()
    shared = {frame.dim for frame in term.frames if frame in apart}
    summed = [dim for dim in range(-value.dim(), 0) if dim not in shared]
    return value.sum(summed, keepdim=True) if summed else value

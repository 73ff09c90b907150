"""``GradientRule``: an estimator of the gradient of a bound; the usual one is pathwise where a site allows it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from torch import Tensor

from virgil.infer.elbo.bound import Bound
from virgil.infer.elbo.branches import has_exact_weight
from virgil.infer.elbo.particles import Particles
from virgil.infer.elbo.refusals import score_refused
from virgil.poutine.site import Site

__all__ = ["Estimate", "GradientRule", "PATHWISE_OR_SCORE", "pathwise_or_score"]


class Estimate(Protocol):
    """Computes a bound whose derivative is the rule's estimator of the gradient."""

    def __call__(self, particles: Particles, bound: Bound, /) -> Tensor:
        """The bound, a scalar in nats.

        Args:
            particles: the executions, with the log weight of each particle.
            bound: takes the log weights to the bound.
        """
        ...


@dataclass(frozen=True, slots=True)
class GradientRule:
    """A choice of an objective: the estimator of its gradient.

    Attributes:
        name: what a user calls it.
        estimate: computes the bound with its gradient.
    """

    name: str
    estimate: Estimate


def pathwise_or_score(particles: Particles, bound: Bound, /) -> Tensor:
    r"""The bound, with the gradient estimator of each site's own kind.

    With terms :math:`c_j` of weight :math:`w_j`, and :math:`D_i` the terms that the latent variable :math:`z_i` of the
    guide can influence, the gradient of the mean over particles is

    .. math:: \sum_j w_j \nabla c_j + \sum_{i\ \text{not pathwise}} \nabla \log q(z_i)
        \Bigl(\sum_{j \in D_i} w_j c_j + s_i\Bigr)

    *(Ranganath, Gerrish and Blei 2014, section 3.1; Schulman et al. 2015, corollary 1)*. It is unbiased for every
    :math:`D_i` that has all terms computed from :math:`z_i` or from a variable below it, those whose distribution in
    the guide is computed from :math:`z_i` or from another one below: given what :math:`z_i` is drawn from, any other
    term is independent of :math:`z_i`, whose score has mean zero. :math:`s_i` is the factor of
    :math:`-\log q(z_i)` in the bound. It takes the derivative of that term out of the first sum, which is
    :math:`-s_i \nabla \log q(z_i)` and has mean zero too, since scale and mask are fixed before :math:`z_i` is drawn;
    the value of the term stays in the cost. Variables that the guide enumerates have no score: their probabilities are
    weights, which are differentiated.

    Raises:
        ArgumentError: a site needs its score, but the bound is no mean.
    """
    log_weights = particles.log_weights()
    scores = particles.scores(_is_scored)
    if scores is not None:
        if not bound.is_mean:
            raise score_refused(particles.names(_is_scored), PATHWISE_OR_SCORE.name, bound.name)
        log_weights = log_weights + (scores - scores.detach())
    return bound(log_weights)


def _is_scored(site: Site) -> bool:
    return not site.fn.has_rsample and not has_exact_weight(site)


PATHWISE_OR_SCORE = GradientRule("pathwise_or_score", pathwise_or_score)

"""The Bethe approximation of the sum over assignments, by belief propagation."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn.functional import logsigmoid

__all__ = ["log_bethe_sum_of_assignments"]

_IMPOSSIBLE = -1e30  # the logarithm of nothing, whose derivatives are zero and not NaN
_LOWEST = 1e3  # below the largest logit; messages of minus infinity could not be added


def log_bethe_sum_of_assignments(logits: Tensor, capacity: int, iterations: int) -> Tensor:
    r"""Minus the Bethe free energy of assignments, after some iterations of belief propagation, nats.

    Each possible pair of a source and a destination is a variable that is true or false, with two factors: exactly one
    pair of a source is true, and exactly ``capacity`` pairs of a destination. Messages are the log-odds of a pair. With
    those from sources, :math:`u`, those from destinations, :math:`v`, and the elementary symmetric polynomial
    :math:`e_c`, the value

    .. math:: \sum_i \log \sum_j e^{\theta_{ij} + v_{ij}} + \sum_j \log e_c(e^{\theta_{\cdot j} + u_{\cdot j}})
        - \sum_{ij} \log(1 + e^{\theta_{ij} + u_{ij} + v_{ij}})

    is stationary where the messages do not change any more *(Yedidia, Freeman and Weiss 2005)*. For capacity 1 it is
    then a lower bound of the exact sum *(Vontobel 2013; Gurvits 2011)*. An iteration takes time and memory in
    proportion to the number of pairs. The messages, and logits of minus infinity, are bounded 1000 nats below the
    largest logit.

    Shape: ``(*batch, capacity * destinations, destinations)`` to ``(*batch,)``.
    """
    if logits.shape[-1] == 1:
        return logits.sum((-2, -1))
    theta = torch.maximum(logits, logits.detach().amax((-2, -1), keepdim=True) - _LOWEST)
    columns = theta.mT  # sources are on the right, as sums run along the last dim
    from_destinations = torch.zeros_like(theta)
    from_sources = torch.zeros_like(columns)
    for _ in range(iterations):
        from_sources = _log_odds(theta + from_destinations, 1).mT
        from_destinations = _log_odds(columns + from_sources, capacity).mT
    sources = (theta + from_destinations).logsumexp(-1).sum(-1)
    destinations = _running_polynomials(columns + from_sources, capacity)[capacity][..., -1].sum(-1)
    neither = logsigmoid(-(columns + from_sources + from_destinations.mT)).sum((-2, -1))
    return sources + destinations + neither


def _running_polynomials(logs: Tensor, degree: int) -> list[Tensor]:
    """Logarithms of the elementary symmetric polynomials of the entries up to each, by degree."""
    running = [torch.zeros_like(logs)]
    for _ in range(degree):
        running.append((logs + _before(running[-1], len(running) - 1)).logcumsumexp(-1))
    return running


def _before(running: Tensor, degree: int) -> Tensor:
    """The polynomials of the entries before each; those of no entry are 1 for degree 0, else 0."""
    first = torch.full_like(running[..., :1], _IMPOSSIBLE if degree else 0.0)
    return torch.cat([first, running[..., :-1]], -1)


def _log_odds(logs: Tensor, count: int) -> Tensor:
    """The log-odds of each entry that the others give it, where exactly ``count`` entries of a row are true.

    The others' polynomials are products of those of the entries before and of those after; nothing is divided out.
    """
    before = [_before(each, degree) for degree, each in enumerate(_running_polynomials(logs, count))]
    flipped = _running_polynomials(logs.flip(-1), count)
    after = [_before(each, degree).flip(-1) for degree, each in enumerate(flipped)]

    def others(degree: int) -> Tensor:
        return torch.stack([before[k] + after[degree - k] for k in range(degree + 1)]).logsumexp(0)

    return others(count - 1) - others(count)

"""Matchings of sources and destinations, one to one."""

from __future__ import annotations

from torch.distributions import constraints

from virgil.distributions.core.matching import Matching, MatchingConstraint

__all__ = ["OneOneMatching", "OneOneMatchingConstraint"]


class OneOneMatchingConstraint(MatchingConstraint):
    """Permutations of ``num_nodes`` numbers from 0."""

    def __init__(self, num_nodes: int) -> None:
        super().__init__(num_nodes, 1)
        self.num_nodes = num_nodes


class OneOneMatching(Matching):
    r"""A perfect matching of N sources and N destinations: a value has the destination of each source.

    .. math:: \log p(v) = \sum_s \text{logits}[s, v_s] - \log Z

    Z is the permanent of ``exp(logits)``. Exactly, it is a sum over :math:`2^N` sets of destinations without a
    subtraction, for N up to about 20. With ``bp_iters`` its logarithm is the Bethe approximation, by so many iterations
    of belief propagation: once that converges, between 0 and :math:`\tfrac12 N \log 2` below the exact one *(Vontobel
    2013; Anari and Rezaei 2019)*. An iteration takes time in proportion to :math:`N^2`. Draws are exact in both cases.
    Shape: event ``(N,)``, int64.

    Args:
        logits: of each pair; minus infinity forbids it. Shape: ``(*batch, N, N)``, a row for each source.
        bp_iters: the number of iterations; ``None`` takes the exact sum.

    Raises:
        ShapeError: the logits are not square.
        ArgumentError: ``bp_iters`` is no positive integer, or later, N is too large for what is asked.

    >>> import torch
    >>> fn = OneOneMatching(torch.tensor([[0.0, 2.0], [1.0, 0.0]]))
    >>> fn.mode()
    tensor([1, 0])
    >>> fn.log_prob(fn.enumerate_support()).exp()
    tensor([0.0474, 0.9526])
    """

    capacity = 1

    @constraints.dependent_property(is_discrete=True, event_dim=1)
    def support(self) -> constraints.Constraint:
        """The permutations."""
        return OneOneMatchingConstraint(self.logits.shape[-1])

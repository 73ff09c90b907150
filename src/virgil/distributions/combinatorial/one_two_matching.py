"""Matchings in which each destination is taken by two sources."""

from __future__ import annotations

from torch.distributions import constraints

from virgil.distributions.core.matching import Matching, MatchingConstraint

__all__ = ["OneTwoMatching", "OneTwoMatchingConstraint"]


class OneTwoMatchingConstraint(MatchingConstraint):
    """Vectors in which each of ``num_destins`` numbers from 0 comes twice."""

    def __init__(self, num_destins: int) -> None:
        super().__init__(num_destins, 2)


class OneTwoMatching(Matching):
    r"""A matching of 2 N sources to N destinations, two to each: a value has the destination of each source.

    .. math:: \log p(v) = \sum_s \text{logits}[s, v_s] - \log Z

    Exactly, Z is a sum over :math:`3^N` partial fillings without a subtraction, for N up to about 13. With ``bp_iters``
    its logarithm is the Bethe approximation, by so many iterations of belief propagation *(Yedidia, Freeman and Weiss
    2005)*; an iteration takes time in proportion to :math:`N^2`. Draws are exact in both cases. Shape: event
    ``(2 * N,)``, int64.

    Args:
        logits: of each pair; minus infinity forbids it. Shape: ``(*batch, 2 * N, N)``, a row for each source.
        bp_iters: the number of iterations; ``None`` takes the exact sum.

    Raises:
        ShapeError: there are not twice as many rows as columns.
        ArgumentError: ``bp_iters`` is no positive integer, or later, N is too large for what is asked.

    >>> import torch
    >>> fn = OneTwoMatching(torch.tensor([[3.0, 0.0], [0.0, 0.0], [0.0, 0.0], [2.0, 0.0]]))
    >>> fn.mode()
    tensor([0, 1, 1, 0])
    >>> fn.enumerate_support().shape
    torch.Size([6, 4])
    """

    capacity = 2

    @constraints.dependent_property(is_discrete=True, event_dim=1)
    def support(self) -> constraints.Constraint:
        """The matchings, two sources to a destination."""
        return OneTwoMatchingConstraint(self.logits.shape[-1])

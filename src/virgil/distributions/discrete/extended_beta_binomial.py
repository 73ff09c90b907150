"""The beta-binomial distribution with any integer for a count."""

from __future__ import annotations

from dataclasses import replace

import torch
from torch import Size, Tensor

from virgil.distributions.constraints import integer
from virgil.distributions.discrete.beta_binomial import BetaBinomial
from virgil.ops.sizes import Sizes

__all__ = ["ExtendedBetaBinomial"]


class ExtendedBetaBinomial(BetaBinomial):
    """`BetaBinomial` with the probability zero for every integer outside ``0, ..., total_count``, instead of an error.

    A ``total_count`` below zero makes all values impossible, and draws zero. Shape: parameters ``(*batch,)``, event
    ``()``.

    Args:
        concentration1: > 0, as of the beta distribution.
        concentration0: > 0, as of the beta distribution.
        total_count: number of trials, an integer of either sign.

    >>> ExtendedBetaBinomial(1.0, 1.0, 3).log_prob(torch.tensor([-1.0, 1.0, 4.0])).exp()
    tensor([0.0000, 0.2500, 0.0000])
    """

    arg_constraints = {**BetaBinomial.arg_constraints, "total_count": integer}
    support = integer
    _tails = replace(
        BetaBinomial._tails,
        log_below=lambda fn, value: BetaBinomial._tails.log_below(fn._inner(), value),
        log_above=lambda fn, value: BetaBinomial._tails.log_above(fn._inner(), value),
    )

    def sample(self, sample_shape: Sizes = Size()) -> Tensor:
        return self._inner().sample(sample_shape)

    def log_prob(self, value: Tensor) -> Tensor:
        if self._validate_args:
            self._validate_sample(value)
        possible = (value >= 0) & (value <= self.total_count)
        return torch.where(possible, self._inner().log_prob(torch.where(possible, value, 0.0)), -torch.inf)

    def _inner(self) -> BetaBinomial:
        """The one without trials where there are less than none."""
        total = self.total_count.clamp_min(0)
        return BetaBinomial(self.concentration1, self.concentration0, total, validate_args=False)

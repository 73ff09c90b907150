"""The binomial distribution with any integer for a count."""

from __future__ import annotations

import torch
from torch import Size, Tensor

from virgil.distributions.constraints import integer
from virgil.distributions.core.log_probabilities import is_by_probs
from virgil.distributions.discrete.binomial import Binomial
from virgil.ops.sizes import Sizes

__all__ = ["ExtendedBinomial"]


class ExtendedBinomial(Binomial):
    """`Binomial` with the probability zero for every integer outside ``0, ..., total_count``, instead of an error.

    A ``total_count`` below zero makes all values impossible, and draws zero. It serves where the count itself is a
    variable that is not held within bounds, as in relaxed epidemiological models. Shape: parameters ``(*batch,)``,
    event ``()``.

    Args:
        total_count: number of trials, an integer of either sign.
        probs: probability of success.
        logits: log-odds of success, in place of ``probs``.

    >>> ExtendedBinomial(2, probs=0.5).log_prob(torch.tensor([-1.0, 1.0, 3.0])).exp()
    tensor([0.0000, 0.5000, 0.0000])
    """

    arg_constraints = {**Binomial.arg_constraints, "total_count": integer}
    support = integer

    def sample(self, sample_shape: Sizes = Size()) -> Tensor:
        draws: Tensor = self._inner().sample(sample_shape)
        return draws

    def log_prob(self, value: Tensor) -> Tensor:
        if self._validate_args:
            self._validate_sample(value)
        possible = (value >= 0) & (value <= self.total_count)
        return torch.where(possible, self._inner().log_prob(torch.where(possible, value, 0.0)), -torch.inf)

    def _inner(self) -> Binomial:
        """The one without trials where there are less than none."""
        by = {"probs": self.probs} if is_by_probs(self) else {"logits": self.logits}
        return Binomial(self.total_count.clamp_min(0), **by, validate_args=False)

"""The negative binomial distribution."""

from __future__ import annotations

import torch
from torch import Tensor
from torch import distributions as td
from torch.nn.functional import logsigmoid

from virgil.distributions.core.cdf_of_tails import QuantilesOfCounts
from virgil.distributions.core.expand_methods import expand_as_torch
from virgil.distributions.core.log_probabilities import repeated
from virgil.distributions.core.trials import CountsOfTrials, real_count

__all__ = ["NegativeBinomial"]


@expand_as_torch
class NegativeBinomial(CountsOfTrials, QuantilesOfCounts, td.NegativeBinomial):
    """The number of successes before failure number r: ``C(k + r - 1, k) * (1 - p)**r * p**k`` for k = 0, 1, ...

    The mean is ``r * p / (1 - p)``. Shape: parameters ``(*batch,)``, event ``()``.

    Args:
        total_count: number r of failures at which counting stops, >= 0, need not be an integer.
        probs: probability p of success, in [0, 1).
        logits: log-odds of success, in place of ``probs``; minus infinity where success is impossible.
    """

    def __init__(
        self,
        total_count: Tensor | float,
        probs: Tensor | float | None = None,
        logits: Tensor | float | None = None,
        validate_args: bool | None = None,
    ) -> None:
        super().__init__(real_count(total_count, probs, logits), probs, logits, validate_args)  # type: ignore[arg-type]

    def log_prob(self, value: Tensor) -> Tensor:
        if self._validate_args:
            self._validate_sample(value)
        return self._in_double(_log_prob, value)


def _log_prob(value: Tensor, total_count: Tensor, logits: Tensor) -> Tensor:
    # C(k + r - 1, k) is 1 at k = 0, where r may be 0 too
    start = torch.where(value == 0, 1.0, total_count)
    ways = torch.lgamma(start + value) - torch.lgamma(start) - torch.lgamma(value + 1)
    return ways + repeated(total_count, logsigmoid(-logits)) + repeated(value, logsigmoid(logits))

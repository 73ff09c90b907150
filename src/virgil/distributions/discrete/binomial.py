"""The binomial distribution."""

from __future__ import annotations

import torch
from torch import Tensor
from torch import distributions as td
from torch.nn.functional import logsigmoid

from virgil.distributions.core.cdf_of_tails import QuantilesOfCounts
from virgil.distributions.core.divergence import divergence
from virgil.distributions.core.expand_methods import expand_as_torch
from virgil.distributions.core.log_probabilities import divergence_of_trials, repeated, times
from virgil.distributions.core.trials import CountsOfTrials, real_count

__all__ = ["Binomial"]


@expand_as_torch
class Binomial(CountsOfTrials, QuantilesOfCounts, td.Binomial):
    """The number of successes in n independent trials: ``C(n, k) * p**k * (1 - p)**(n - k)`` for k = 0, ..., n.

    Shape: parameters ``(*batch,)``, event ``()``.

    Args:
        total_count: number of trials n, an integer or tensor of integers >= 0; enumerable if all are equal.
        probs: probability p of success.
        logits: log-odds of success, in place of ``probs``; infinite where success or failure is impossible.
    """

    def __init__(
        self,
        total_count: Tensor | float = 1,
        probs: Tensor | float | None = None,
        logits: Tensor | float | None = None,
        validate_args: bool | None = None,
    ) -> None:
        super().__init__(real_count(total_count, probs, logits), probs, logits, validate_args)  # type: ignore[arg-type]

    def log_prob(self, value: Tensor) -> Tensor:
        if self._validate_args:
            self._validate_sample(value)
        return self._in_double(_log_prob, value)

    def entropy(self) -> Tensor:
        log_prob = self.log_prob(self.enumerate_support(False))
        return -times(log_prob.exp(), log_prob).sum(0)


def _log_prob(value: Tensor, total_count: Tensor, logits: Tensor) -> Tensor:
    failures = total_count - value
    ways = torch.lgamma(total_count + 1) - torch.lgamma(value + 1) - torch.lgamma(failures + 1)
    return ways + repeated(value, logsigmoid(logits)) + repeated(failures, logsigmoid(-logits))


@divergence(Binomial, Binomial)
def _kl_binomial(p: td.Binomial, q: td.Binomial) -> Tensor:
    if bool((p.total_count < q.total_count).any()):
        raise NotImplementedError("The divergence of a Binomial from one with more trials has no closed form.")
    value = (p.total_count * divergence_of_trials(p, q)).to(p.probs.dtype)
    return torch.where(p.total_count > q.total_count, torch.inf, value)

"""The geometric distribution."""

from __future__ import annotations

import torch
from torch import Tensor
from torch import distributions as td

from virgil.distributions.core.cdf_of_tails import QuantilesOfCounts
from virgil.distributions.core.divergence import divergence
from virgil.distributions.core.log_probabilities import binary, divergence_of_trials, is_by_probs, repeated, times
from virgil.distributions.core.trials import Trials

__all__ = ["Geometric"]


class Geometric(Trials, QuantilesOfCounts, td.Geometric):
    """The number of failures before the first success: ``p * (1 - p)**k`` for k = 0, 1, 2, ...

    Shape: parameters ``(*batch,)``, event ``()``.

    Args:
        probs: probability p of success, in (0, 1].
        logits: log-odds of success, in place of ``probs``; infinity where failure is impossible.
    """

    def log_prob(self, value: Tensor) -> Tensor:
        if self._validate_args:
            self._validate_sample(value)
        dtype = torch.promote_types(value.dtype, self._dtype)
        if is_by_probs(self):
            return _log_prob(value.to(dtype), self.probs.to(dtype))  # two terms of one sign: nothing cancels
        each = binary(self)
        return (repeated(value, each.log_failure) + each.log_success).to(dtype)

    def entropy(self) -> Tensor:
        each = binary(self)
        entropy = -times(each.failure, each.log_failure) / each.success - each.log_success
        return entropy.to(self._dtype)

    @property
    def _dtype(self) -> torch.dtype:
        given = self.__dict__.get("probs")
        return self.logits.dtype if given is None else given.dtype


def _log_prob(value: Tensor, probs: Tensor) -> Tensor:
    # the same probabilities, without a derivative where it is infinite
    failures: Tensor = torch.special.xlog1py(value, -torch.where(probs == 1, 1.0, probs))
    return failures + torch.where(probs == 0, 0.0, probs).log()


@divergence(Geometric, Geometric)
def _kl_geometric(p: td.Geometric, q: td.Geometric) -> Tensor:
    # each trial up to the first success, of which there are 1 / p
    return (divergence_of_trials(p, q) / binary(p).success).to(p.probs.dtype)

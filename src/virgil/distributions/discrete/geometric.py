"""The geometric distribution."""

from __future__ import annotations

import torch
from torch import Tensor
from torch import distributions as td

from virgil.distributions.core.cdf_of_tails import CdfOfTails
from virgil.distributions.core.divergence import divergence
from virgil.distributions.core.log_probabilities import binary, divergence_of_trials, repeated, times
from virgil.distributions.core.trials import Trials

__all__ = ["Geometric"]


class Geometric(Trials, CdfOfTails, td.Geometric):
    """The number of failures before the first success: ``p * (1 - p)**k`` for k = 0, 1, 2, ...

    Shape: parameters ``(*batch,)``, event ``()``.

    Args:
        probs: probability p of success, in (0, 1].
        logits: log-odds of success, in place of ``probs``; infinity where failure is impossible.
    """

    def log_prob(self, value: Tensor) -> Tensor:
        if self._validate_args:
            self._validate_sample(value)
        each = binary(self)
        dtype = torch.promote_types(value.dtype, self._dtype)
        return (repeated(value, each.log_failure) + each.log_success).to(dtype)

    def entropy(self) -> Tensor:
        each = binary(self)
        entropy = -times(each.failure, each.log_failure) / each.success - each.log_success
        return entropy.to(self._dtype)

    @property
    def _dtype(self) -> torch.dtype:
        given = self.__dict__.get("probs")
        return self.logits.dtype if given is None else given.dtype


@divergence(Geometric, Geometric)
def _kl_geometric(p: td.Geometric, q: td.Geometric) -> Tensor:
    # each trial up to the first success, of which there are 1 / p
    return (divergence_of_trials(p, q) / binary(p).success).to(p.probs.dtype)

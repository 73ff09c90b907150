"""The Bernoulli distribution."""

from __future__ import annotations

import torch
from torch import Tensor
from torch import distributions as td
from torch.nn.functional import binary_cross_entropy_with_logits

from virgil.distributions.core.divergence import divergence
from virgil.distributions.core.expand_methods import expand_as_torch
from virgil.distributions.core.log_probabilities import binary, divergence_of_trials, times
from virgil.distributions.core.trials import Trials
from virgil.ops.nan import has_no_nan

__all__ = ["Bernoulli"]


@expand_as_torch
class Bernoulli(Trials, td.Bernoulli):
    """One of 0 and 1, with probabilities ``1 - probs`` and ``probs``.

    Shape: parameters ``(*batch,)``, event ``()``.

    Args:
        probs: probability of 1.
        logits: log-odds of 1, in place of ``probs``; infinite where one of the two is impossible.
    """

    def __init__(
        self,
        probs: Tensor | float | None = None,
        logits: Tensor | float | None = None,
        validate_args: bool | None = None,
    ) -> None:
        if isinstance(logits, Tensor) and probs is None:  # the usual cases, which have nothing to broadcast
            self.logits = self._param = logits
        elif isinstance(probs, Tensor) and logits is None:
            self.probs = self._param = probs
        else:
            super().__init__(probs, logits, validate_args)
            return
        td.Distribution.__init__(self, self._param.shape, validate_args=validate_args)

    def log_prob(self, value: Tensor) -> Tensor:
        if self._validate_args:
            self._validate_sample(value)
        logits = self.logits
        if value.shape != logits.shape:
            logits, value = torch.broadcast_tensors(logits, value)
        if value.dtype != logits.dtype:
            value = value.to(logits.dtype)
        loss = binary_cross_entropy_with_logits(logits, value, reduction="none")
        if self._param is not self.__dict__.get("logits") or has_no_nan(loss):
            return -loss
        # an infinite logit met a probability of zero as 0 * inf; the largest number stands for it
        number = torch.finfo(logits.dtype)
        loss = binary_cross_entropy_with_logits(logits.clamp(-number.max, number.max), value, reduction="none")
        if logits.dtype.itemsize < 4:
            return torch.threshold(-loss, -number.max, -torch.inf)
        return loss * -(1 + number.eps)  # a unit in the last place takes the largest number alone to infinity

    def entropy(self) -> Tensor:
        each = binary(self)
        entropy = -times(each.success, each.log_success) - times(each.failure, each.log_failure)
        return entropy.to(self._param.dtype)


@divergence(Bernoulli, Bernoulli)
def _kl_bernoulli(p: td.Bernoulli, q: td.Bernoulli) -> Tensor:
    return divergence_of_trials(p, q).to(p.probs.dtype)

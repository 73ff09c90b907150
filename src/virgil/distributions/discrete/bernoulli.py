"""The Bernoulli distribution."""

from __future__ import annotations

import torch
from torch import Tensor
from torch import distributions as td
from torch.nn.functional import binary_cross_entropy_with_logits

from virgil.distributions.core.shape_algebra import TorchDistributionMixin

__all__ = ["Bernoulli"]


class Bernoulli(TorchDistributionMixin, td.Bernoulli):
    """One of 0 and 1, with probabilities ``1 - probs`` and ``probs``.

    Shape: parameters ``(*batch,)``, event ``()``.

    Args:
        probs: probability of 1.
        logits: log-odds of 1, in place of ``probs``.
    """

    def log_prob(self, value: Tensor) -> Tensor:
        if self._validate_args:
            self._validate_sample(value)
        logits = self.logits
        if value.shape != logits.shape:
            logits, value = torch.broadcast_tensors(logits, value)
        if value.dtype != logits.dtype:
            value = value.to(logits.dtype)
        return -binary_cross_entropy_with_logits(logits, value, reduction="none")

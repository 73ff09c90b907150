"""The binomial distribution."""

from __future__ import annotations

from torch import distributions as td

from virgil.distributions.core.shape_algebra import TorchDistributionMixin

__all__ = ["Binomial"]


class Binomial(TorchDistributionMixin, td.Binomial):
    """The number of successes in n independent trials: ``C(n, k) * p**k * (1 - p)**(n - k)`` for k = 0, ..., n.

    Shape: parameters ``(*batch,)``, event ``()``.

    Args:
        total_count: number of trials n, an integer or tensor of integers >= 0; enumerable if all are equal.
        probs: probability p of success.
        logits: log-odds of success, in place of ``probs``.
    """

"""The negative binomial distribution."""

from __future__ import annotations

from torch import distributions as td

from virgil.distributions.core.shape_algebra import TorchDistributionMixin

__all__ = ["NegativeBinomial"]


class NegativeBinomial(TorchDistributionMixin, td.NegativeBinomial):
    """The number of successes before failure number r: ``C(k + r - 1, k) * (1 - p)**r * p**k`` for k = 0, 1, ...

    The mean is ``r * p / (1 - p)``. Shape: parameters ``(*batch,)``, event ``()``.

    Args:
        total_count: number r of failures at which counting stops, >= 0, need not be an integer.
        probs: probability p of success, in [0, 1).
        logits: log-odds of success, in place of ``probs``.
    """

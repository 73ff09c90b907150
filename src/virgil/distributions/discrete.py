"""Families of one count or label that torch has complete.

Names and parameters are torch's. ``probs`` and ``logits`` are two ways to say one thing: give exactly one of them.
Probabilities and moments are those of the volume *(Johnson, Kemp and Kotz 2005)*.
"""

from __future__ import annotations

from torch import distributions as td

from virgil.distributions.core.shape_algebra import TorchDistributionMixin

__all__ = [
    "Binomial",
    "Geometric",
    "NegativeBinomial",
    "Poisson",
]


class Binomial(TorchDistributionMixin, td.Binomial):
    """Number of successes in ``total_count`` independent trials.

    Args:
        total_count: number of trials, an integer or tensor of integers >= 0; enumerable if all are equal.
        probs: probability of success.
        logits: log-odds of success, in place of ``probs``.
    """


class Geometric(TorchDistributionMixin, td.Geometric):
    """Number of failures before the first success: 0, 1, 2, ...

    Args:
        probs: probability of success, in (0, 1].
        logits: log-odds of success, in place of ``probs``.
    """


class NegativeBinomial(TorchDistributionMixin, td.NegativeBinomial):
    """Number of successes before failure number ``total_count``, with mean ``total_count * p / (1 - p)``.

    Args:
        total_count: number of failures at which counting stops, >= 0, need not be an integer.
        probs: probability p of success, in [0, 1).
        logits: log-odds of success, in place of ``probs``.
    """


class Poisson(TorchDistributionMixin, td.Poisson):
    """Number of events of a Poisson process in unit time.

    Args:
        rate: mean, >= 0.
    """

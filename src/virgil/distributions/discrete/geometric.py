"""The geometric distribution."""

from __future__ import annotations

from torch import distributions as td

from virgil.distributions.core.shape_algebra import TorchDistributionMixin

__all__ = ["Geometric"]


class Geometric(TorchDistributionMixin, td.Geometric):
    """The number of failures before the first success: ``p * (1 - p)**k`` for k = 0, 1, 2, ...

    Shape: parameters ``(*batch,)``, event ``()``.

    Args:
        probs: probability p of success, in (0, 1].
        logits: log-odds of success, in place of ``probs``.
    """

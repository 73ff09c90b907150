"""The continuous Bernoulli distribution."""

from __future__ import annotations

from torch import distributions as td

from virgil.distributions.core.shape_algebra import TorchDistributionMixin

__all__ = ["ContinuousBernoulli"]


class ContinuousBernoulli(TorchDistributionMixin, td.ContinuousBernoulli):
    """A number in [0, 1] with density proportional to ``p**x * (1 - p)**(1 - x)``.

    *(Loaiza-Ganem and Cunningham 2019)*. Shape: parameters ``(*batch,)``, event ``()``.

    Args:
        probs: p in (0, 1); it is not the mean.
        logits: log-odds of p, in place of ``probs``.
        lims: interval around 1/2 in which a Taylor series replaces the unstable formula.
    """

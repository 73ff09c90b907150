"""The Poisson distribution."""

from __future__ import annotations

from torch import distributions as td

from virgil.distributions.core.shape_algebra import TorchDistributionMixin

__all__ = ["Poisson"]


class Poisson(TorchDistributionMixin, td.Poisson):
    """The number of events of a Poisson process in unit time: ``rate**k * exp(-rate) / k!`` for k = 0, 1, 2, ...

    Shape: parameters ``(*batch,)``, event ``()``.

    Args:
        rate: mean, >= 0.
    """

"""The exponential distribution."""

from __future__ import annotations

from torch import distributions as td

from virgil.distributions.core.shape_algebra import TorchDistributionMixin

__all__ = ["Exponential"]


class Exponential(TorchDistributionMixin, td.Exponential):
    """A nonnegative number with density ``rate * exp(-rate * x)``: the waiting time of a Poisson process.

    Shape: parameters ``(*batch,)``, event ``()``.

    Args:
        rate: inverse of the mean, > 0.
    """

"""The gamma distribution."""

from __future__ import annotations

from torch import distributions as td

from virgil.distributions.core.shape_algebra import TorchDistributionMixin

__all__ = ["Gamma"]


class Gamma(TorchDistributionMixin, td.Gamma):
    """A positive number with density proportional to ``x**(concentration - 1) * exp(-rate * x)``.

    Shape: parameters ``(*batch,)``, event ``()``.

    Args:
        concentration: shape, > 0.
        rate: inverse scale, > 0; the mean is concentration / rate.
    """

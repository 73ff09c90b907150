"""The uniform distribution."""

from __future__ import annotations

from torch import distributions as td

from virgil.distributions.core.shape_algebra import TorchDistributionMixin

__all__ = ["Uniform"]


class Uniform(TorchDistributionMixin, td.Uniform):
    """A number in [low, high) with density ``1 / (high - low)``.

    Shape: parameters ``(*batch,)``, event ``()``.

    Args:
        low: lower bound.
        high: upper bound, > low.
    """

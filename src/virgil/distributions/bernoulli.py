"""The Bernoulli distribution."""

from __future__ import annotations

from torch import distributions as td

from virgil.distributions.shape_algebra import TorchDistributionMixin

__all__ = [
    "Bernoulli",
]


class Bernoulli(TorchDistributionMixin, td.Bernoulli):
    """The Bernoulli distribution."""

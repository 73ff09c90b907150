"""The categorical distribution."""

from __future__ import annotations

from torch import distributions as td

from virgil.distributions.shape_algebra import TorchDistributionMixin

__all__ = [
    "Categorical",
]


class Categorical(TorchDistributionMixin, td.Categorical):
    """The categorical distribution."""

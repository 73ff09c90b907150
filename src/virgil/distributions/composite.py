"""Distributions made of distributions: mixtures, and images under invertible maps."""

from __future__ import annotations

from torch import distributions as td

from virgil.distributions.core.shape_algebra import TorchDistributionMixin

__all__ = [
    "MixtureSameFamily",
    "TransformedDistribution",
]


class MixtureSameFamily(TorchDistributionMixin, td.MixtureSameFamily):
    """A mixture whose components are the rightmost batch dim of one distribution.

    Args:
        mixture_distribution: a `Categorical` over the components.
        component_distribution: Shape: batch (*batch, components), event (*event).
    """


class TransformedDistribution(TorchDistributionMixin, td.TransformedDistribution):
    """The image of a distribution under one or several invertible maps.

    Args:
        base_distribution: of the value before the maps.
        transforms: one transform, or a list of them, applied first to last.
    """

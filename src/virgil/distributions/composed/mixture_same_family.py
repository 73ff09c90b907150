"""The mixture of a batch of distributions."""

from __future__ import annotations

from torch import distributions as td

from virgil.distributions.core.shape_algebra import TorchDistributionMixin

__all__ = ["MixtureSameFamily"]


class MixtureSameFamily(TorchDistributionMixin, td.MixtureSameFamily):
    """A mixture whose components are the rightmost batch dim of one distribution.

    Its density is ``sum(weight * density)`` over the components. Shape: event as of a component.

    Args:
        mixture_distribution: a `Categorical` over the components. Shape: batch ``(*batch,)``.
        component_distribution: the components. Shape: batch ``(*batch, components)``.
    """

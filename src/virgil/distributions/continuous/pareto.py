"""The Pareto distribution."""

from __future__ import annotations

from torch import distributions as td

from virgil.distributions.core.shape_algebra import TorchDistributionMixin

__all__ = ["Pareto"]


class Pareto(TorchDistributionMixin, td.Pareto):
    """A number above ``scale`` with density ``alpha * scale**alpha / x**(alpha + 1)``.

    Shape: parameters ``(*batch,)``, event ``()``.

    Args:
        scale: lower bound, > 0.
        alpha: exponent of the tail, > 0; moments of this order and above do not exist.
    """

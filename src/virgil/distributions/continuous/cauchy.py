"""The Cauchy distribution."""

from __future__ import annotations

from torch import distributions as td

from virgil.distributions.core.shape_algebra import TorchDistributionMixin

__all__ = ["Cauchy"]


class Cauchy(TorchDistributionMixin, td.Cauchy):
    """A real number with density ``1 / (pi * scale * (1 + ((x - loc) / scale)**2))``; it has no moments.

    Shape: parameters ``(*batch,)``, event ``()``.

    Args:
        loc: median.
        scale: half the distance between the quartiles, > 0.
    """

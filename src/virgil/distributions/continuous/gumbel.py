"""The Gumbel distribution."""

from __future__ import annotations

from torch import distributions as td

from virgil.distributions.core.shape_algebra import TorchDistributionMixin

__all__ = ["Gumbel"]


class Gumbel(TorchDistributionMixin, td.Gumbel):
    """A real number with distribution function ``exp(-exp(-(x - loc) / scale))``: the limit law of maxima.

    Shape: parameters ``(*batch,)``, event ``()``.

    Args:
        loc: mode.
        scale: > 0.
    """

    has_rsample = True

"""The Laplace distribution."""

from __future__ import annotations

from torch import distributions as td

from virgil.distributions.core.shape_algebra import TorchDistributionMixin

__all__ = ["Laplace"]


class Laplace(TorchDistributionMixin, td.Laplace):
    """A real number with density ``exp(-|x - loc| / scale) / (2 * scale)``.

    Shape: parameters ``(*batch,)``, event ``()``.

    Args:
        loc: mean.
        scale: mean absolute deviation, > 0.
    """

"""The chi-square distribution."""

from __future__ import annotations

from torch import distributions as td

from virgil.distributions.core.shape_algebra import TorchDistributionMixin

__all__ = ["Chi2"]


class Chi2(TorchDistributionMixin, td.Chi2):
    """A positive number, the sum of ``df`` squared standard normals.

    The density is proportional to ``x**(df / 2 - 1) * exp(-x / 2)``. Shape: parameters ``(*batch,)``, event ``()``.

    Args:
        df: degrees of freedom, > 0.
    """

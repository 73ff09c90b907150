"""The F distribution of Fisher and Snedecor."""

from __future__ import annotations

from torch import distributions as td

from virgil.distributions.core.shape_algebra import TorchDistributionMixin

__all__ = ["FisherSnedecor"]


class FisherSnedecor(TorchDistributionMixin, td.FisherSnedecor):
    """A positive number, the ratio of two chi-squares, each over its degrees of freedom.

    The density is proportional to ``x**(df1 / 2 - 1) * (1 + x * df1 / df2)**(-(df1 + df2) / 2)``. Shape: parameters
    ``(*batch,)``, event ``()``.

    Args:
        df1: degrees of freedom of the numerator, > 0.
        df2: degrees of freedom of the denominator, > 0.
    """

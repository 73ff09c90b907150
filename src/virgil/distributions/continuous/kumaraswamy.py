"""The Kumaraswamy distribution."""

from __future__ import annotations

from torch import distributions as td

from virgil.distributions.core.shape_algebra import TorchDistributionMixin

__all__ = ["Kumaraswamy"]


class Kumaraswamy(TorchDistributionMixin, td.Kumaraswamy):
    """A number in (0, 1) with distribution function ``1 - (1 - x**a)**b`` *(Kumaraswamy 1980)*.

    Shape: parameters ``(*batch,)``, event ``()``.

    Args:
        concentration1: a > 0.
        concentration0: b > 0.
    """

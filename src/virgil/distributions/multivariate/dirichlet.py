"""The Dirichlet distribution."""

from __future__ import annotations

from torch import distributions as td

from virgil.distributions.core.shape_algebra import TorchDistributionMixin

__all__ = ["Dirichlet"]


class Dirichlet(TorchDistributionMixin, td.Dirichlet):
    """A vector on the simplex with density proportional to ``prod(x**(concentration - 1))``.

    Shape: event ``(n,)``.

    Args:
        concentration: > 0. Shape: ``(*batch, n)``.
    """

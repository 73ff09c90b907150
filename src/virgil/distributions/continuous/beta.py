"""The beta distribution."""

from __future__ import annotations

import torch
from torch import Tensor
from torch import distributions as td

from virgil.distributions.core.broadcast_parameters import broadcast_pair
from virgil.distributions.core.expand_methods import expand_as_torch
from virgil.distributions.core.shape_algebra import TorchDistributionMixin

__all__ = ["Beta"]


@expand_as_torch
class Beta(TorchDistributionMixin, td.Beta):
    """A number in (0, 1) with density proportional to ``x**(a - 1) * (1 - x)**(b - 1)``.

    Shape: parameters ``(*batch,)``, event ``()``.

    Args:
        concentration1: a > 0.
        concentration0: b > 0.
    """

    def __init__(
        self, concentration1: Tensor | float, concentration0: Tensor | float, validate_args: bool | None = None
    ) -> None:
        both = torch.stack(broadcast_pair(concentration1, concentration0), -1)
        self._dirichlet = td.Dirichlet(both, validate_args=False)  # this class checks the same parameters and values
        td.Distribution.__init__(self, both.shape[:-1], validate_args=validate_args)

"""The von Mises distribution."""

from __future__ import annotations

import math

import torch
from torch import Tensor
from torch import distributions as td

from virgil.distributions.shape_algebra import TorchDistributionMixin

__all__ = ["VonMises"]


class VonMises(TorchDistributionMixin, td.VonMises):
    """On the circle, [-pi, pi), with density proportional to ``exp(concentration * cos(x - loc))``.

    Args:
        loc: mean direction, radians.
        concentration: > 0; about the inverse of the variance where large.
    """

    def log_prob(self, value: Tensor) -> Tensor:
        if self._validate_args:
            self._validate_sample(value)
        # the scaled Bessel function is exact to rounding, torch's polynomial in log_prob to eight digits
        log_bessel: Tensor = torch.special.i0e(self.concentration).log()
        cosine: Tensor = torch.cos(value - self.loc)
        return self.concentration * (cosine - 1) - log_bessel - math.log(2 * math.pi)

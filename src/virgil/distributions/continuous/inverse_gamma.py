"""The inverse gamma distribution."""

from __future__ import annotations

import torch
from torch import Tensor
from torch import distributions as td
from torch.distributions.transforms import PowerTransform

from virgil.distributions.continuous.gamma import Gamma
from virgil.distributions.core.broadcast_parameters import broadcast_pair
from virgil.distributions.core.cdf_of_tails import QuantilesOfTails
from virgil.distributions.core.expand_methods import expand_as_torch
from virgil.distributions.core.shape_algebra import TorchDistributionMixin
from virgil.ops.double_precision import in_double

__all__ = ["InverseGamma"]


@expand_as_torch
class InverseGamma(TorchDistributionMixin, QuantilesOfTails, td.InverseGamma):
    """A positive number, the reciprocal of a gamma variable.

    The density is proportional to ``x**(-concentration - 1) * exp(-rate / x)``. Shape: parameters ``(*batch,)``, event
    ``()``.

    Args:
        concentration: shape, > 0.
        rate: inverse scale of the gamma variable, that is the scale of this one, > 0.
    """

    def __init__(self, concentration: Tensor | float, rate: Tensor | float, validate_args: bool | None = None) -> None:
        # concentration and rate are read from base_dist and checked as this distribution's own arguments
        base = Gamma(*broadcast_pair(concentration, rate), validate_args=False)
        transform = PowerTransform(base.rate.new_full((), -1.0))
        td.TransformedDistribution.__init__(self, base, [transform], validate_args)

    def log_prob(self, value: Tensor) -> Tensor:
        if self._validate_args:
            self._validate_sample(value)
        return in_double(_log_prob, value, self.concentration, self.rate)


def _log_prob(value: Tensor, concentration: Tensor, rate: Tensor) -> Tensor:
    return concentration * rate.log() - (concentration + 1) * value.log() - rate / value - torch.lgamma(concentration)

"""The Weibull distribution."""

from __future__ import annotations

import torch
from torch import Tensor
from torch import distributions as td

from virgil.distributions.core.divergence import divergence
from virgil.distributions.core.expand_methods import expand_as_torch
from virgil.distributions.core.shape_algebra import TorchDistributionMixin
from virgil.distributions.core.validation import resolve_validation
from virgil.ops.double_precision import in_double

__all__ = ["Weibull"]

_EULER = 0.57721566490153286  # minus the mean logarithm of a standard exponential number


@expand_as_torch
class Weibull(TorchDistributionMixin, td.Weibull):
    """A positive number with distribution function ``1 - exp(-(x / scale)**concentration)``.

    Shape: parameters ``(*batch,)``, event ``()``.

    Args:
        scale: > 0.
        concentration: shape, > 0; below 1 the hazard falls.
    """

    has_rsample = True

    def __init__(self, scale: Tensor | float, concentration: Tensor | float, validate_args: bool | None = None) -> None:
        super().__init__(scale, concentration, resolve_validation(validate_args))

    def log_prob(self, value: Tensor) -> Tensor:
        if self._validate_args:
            self._validate_sample(value)
        return in_double(_log_prob, value, self.scale, self.concentration)


def _log_prob(value: Tensor, scale: Tensor, concentration: Tensor) -> Tensor:
    z = value / scale
    return concentration.log() - scale.log() + torch.xlogy(concentration - 1, z) - z**concentration


@divergence(Weibull, Weibull)
def _kl_weibull(p: td.Weibull, q: td.Weibull) -> Tensor:
    return in_double(_divergence, p.scale, p.concentration, q.scale, q.concentration)


def _divergence(scale: Tensor, shape: Tensor, other_scale: Tensor, other_shape: Tensor) -> Tensor:
    """*(Bauckhage 2013)*."""
    log_ratio, shapes = scale.log() - other_scale.log(), other_shape / shape
    powers = (other_shape * log_ratio + torch.lgamma(1 + shapes)).exp()
    return -shapes.log() - other_shape * log_ratio + (shapes - 1) * _EULER + powers - 1

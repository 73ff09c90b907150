"""The von Mises distribution."""

from __future__ import annotations

import math

import torch
from torch import Size, Tensor
from torch import distributions as td
from torch.distributions.utils import lazy_property

from virgil.distributions.core.divergence import divergence
from virgil.distributions.core.shape_algebra import TorchDistributionMixin
from virgil.ops.double_precision import in_double
from virgil.ops.sizes import Sizes
from virgil.ops.von_mises import von_mises_angles

__all__ = ["VonMises"]


class VonMises(TorchDistributionMixin, td.VonMises):
    """An angle in [-pi, pi) with density proportional to ``exp(concentration * cos(x - loc))``.

    Shape: parameters ``(*batch,)``, event ``()``.

    Args:
        loc: mean direction, radians.
        concentration: > 0; about the inverse of the variance where large.
    """

    def sample(self, sample_shape: Sizes = Size()) -> Tensor:
        # in double precision, as rejection would not end for small concentrations otherwise
        concentration = self.concentration.detach().double().expand(self._extended_shape(sample_shape))
        angle = von_mises_angles(concentration) + self.loc.detach()
        return ((angle + math.pi) % (2 * math.pi) - math.pi).to(self.loc.dtype)

    def log_prob(self, value: Tensor) -> Tensor:
        if self._validate_args:
            self._validate_sample(value)
        return in_double(_log_prob, value, self.loc, self.concentration)

    @lazy_property
    def variance(self) -> Tensor:
        """The circular variance, one less the mean cosine of the angle to ``loc``. Shape: ``(*batch,)``."""
        return in_double(_one_less_mean_cosine, self.concentration).expand(self.batch_shape)

    def entropy(self) -> Tensor:
        return in_double(_entropy, self.concentration).expand(self.batch_shape)


def _log_prob(value: Tensor, loc: Tensor, concentration: Tensor) -> Tensor:
    # the scaled Bessel function is exact to rounding, torch's polynomial in log_prob to eight digits
    log_bessel: Tensor = torch.special.i0e(concentration).log()
    below_one: Tensor = 2 * torch.sin((value - loc) / 2).square()  # 1 - cos
    return -concentration * below_one - log_bessel - math.log(2 * math.pi)


def _entropy(concentration: Tensor) -> Tensor:
    bessel: Tensor = torch.special.i0e(concentration)
    return concentration * _one_less_mean_cosine(concentration) + bessel.log() + math.log(2 * math.pi)


def _one_less_mean_cosine(concentration: Tensor) -> Tensor:
    zeroth: Tensor = torch.special.i0e(concentration)
    first: Tensor = torch.special.i1e(concentration)
    return (zeroth - first) / zeroth


@divergence(VonMises, VonMises)
def _kl_von_mises(p: td.VonMises, q: td.VonMises) -> Tensor:
    return in_double(_divergence, p.loc - q.loc, p.concentration, q.concentration)


def _divergence(angle: Tensor, concentration: Tensor, other: Tensor) -> Tensor:
    spread = _one_less_mean_cosine(concentration)
    turned = 2 * torch.sin(angle / 2).square()  # 1 - cos
    bessels: Tensor = torch.special.i0e(other).log() - torch.special.i0e(concentration).log()
    return bessels + (other - concentration) * spread + other * (1 - spread) * turned

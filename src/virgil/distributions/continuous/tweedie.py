"""The Tweedie distribution between Poisson and gamma."""

from __future__ import annotations

from typing import Any, Self

import torch
from torch import Size, Tensor
from torch import distributions as td
from torch.distributions import constraints
from torch.distributions.utils import broadcast_all

from virgil.distributions.core.shape_algebra import TorchDistributionMixin
from virgil.ops.double_precision import in_double
from virgil.ops.sizes import Sizes

__all__ = ["Tweedie"]

_SIDE = 80  # terms on either side of the largest
_WIDTHS = 8.0  # how many terms to a standard deviation are enough: a smooth sum needs no more


class Tweedie(TorchDistributionMixin):
    r"""The sum of a Poisson number of gamma numbers: zero with positive probability, else positive. Rain, claims.

    The variance is ``dispersion * mean ** power``. With the mean :math:`\lambda = \mu^{2-p} / (\phi (2 - p))` of the
    Poisson number N, the shape :math:`a = (2 - p) / (p - 1)` and the scale :math:`s = \phi (p - 1) \mu^{p-1}` of the
    gamma numbers, the density, with respect to Lebesgue measure and a unit mass at zero, is :math:`e^{-\lambda}` at
    zero and else :math:`\sum_{N \geq 1} e^{-\lambda} \frac{\lambda^N}{N!}\, \mathrm{Gamma}(x \mid N a, s)`, taken
    around the largest term *(Dunn and Smyth 2005)*. Shape: parameters ``(*batch,)``, event ``()``.

    Args:
        mean: > 0.
        dispersion: phi > 0.
        power: p, between 1 and 2.
    """

    arg_constraints = {
        "mean": constraints.positive,
        "dispersion": constraints.positive,
        "power": constraints.interval(1, 2),
    }
    support = constraints.nonnegative

    def __init__(
        self,
        mean: Tensor | float,
        dispersion: Tensor | float,
        power: Tensor | float,
        *,
        validate_args: bool | None = None,
    ) -> None:
        self._mean, self.dispersion, self.power = broadcast_all(mean, dispersion, power)
        super().__init__(self._mean.shape, validate_args=validate_args)

    def expand(self, batch_shape: Sizes, _instance: Any = None) -> Self:
        new = self._get_checked_instance(Tweedie, _instance)
        for name in ("_mean", "dispersion", "power"):
            setattr(new, name, getattr(self, name).expand(Size(batch_shape)))
        td.Distribution.__init__(new, Size(batch_shape), validate_args=False)
        new._validate_args = self._validate_args
        return new

    def sample(self, sample_shape: Sizes = Size()) -> Tensor:
        with torch.no_grad():
            mean, dispersion, power = (each.double() for each in (self._mean, self.dispersion, self.power))
            rate, shape, scale = _compound(mean, dispersion, power)
            count = torch.poisson(rate.expand(self.shape(sample_shape)))
            parts = torch.where(count > 0, count, 1.0) * shape
            total = td.Gamma(parts, torch.ones_like(parts), validate_args=False).sample() * scale
            tiny = torch.finfo(self._mean.dtype).tiny
            return torch.where(count > 0, total.clamp_min(tiny), 0.0).to(self._mean.dtype)

    def log_prob(self, value: Tensor) -> Tensor:
        if self._validate_args:
            self._validate_sample(value)
        return in_double(_log_prob, value, self._mean, self.dispersion, self.power)

    @property
    def mean(self) -> Tensor:
        return self._mean

    @property
    def variance(self) -> Tensor:
        return self.dispersion * self._mean**self.power


def _compound(mean: Tensor, dispersion: Tensor, power: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """The rate of the Poisson number, and shape and scale of the gamma numbers."""
    rate = mean ** (2 - power) / (dispersion * (2 - power))
    return rate, (2 - power) / (power - 1), dispersion * (power - 1) * mean ** (power - 1)


def _log_prob(value: Tensor, mean: Tensor, dispersion: Tensor, power: Tensor) -> Tensor:
    rate, shape, scale = _compound(mean, dispersion, power)
    positive = value > 0
    y = torch.where(positive, value, 1.0)
    with torch.no_grad():
        counts, log_stride = _counts(y, dispersion, power, shape)
    shape = shape.unsqueeze(-1)
    # the mass of each count times the gamma density of shape count * shape
    log_step = rate.log() + shape.squeeze(-1) * (y / scale).log()
    possible = counts > 0
    safe = torch.where(possible, counts, 1.0)
    terms = safe * log_step.unsqueeze(-1) - torch.lgamma(safe + 1) - torch.lgamma(safe * shape)
    total = torch.logsumexp(torch.where(possible, terms, -torch.inf), -1) + log_stride
    return torch.where(positive, total - y / scale - y.log(), 0.0) - rate


def _counts(y: Tensor, dispersion: Tensor, power: Tensor, shape: Tensor) -> tuple[Tensor, Tensor]:
    """Counts around that of the largest term, and the logarithm of their stride. Shape: ``(*batch, counts)``."""
    largest = y ** (2 - power) / (dispersion * (2 - power))
    spread = (largest / (1 + shape)).sqrt()
    stride = (spread / _WIDTHS).clamp_min(1.0)
    first = torch.where(stride > 1, largest - _SIDE * stride, (largest.round() - _SIDE).clamp_min(1.0))
    steps = torch.arange(2 * _SIDE + 1, dtype=y.dtype, device=y.device)
    return first.unsqueeze(-1) + stride.unsqueeze(-1) * steps, stride.log()

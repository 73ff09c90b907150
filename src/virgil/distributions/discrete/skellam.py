"""The Skellam distribution."""

from __future__ import annotations

import math

import torch
from torch import Size, Tensor
from torch.distributions import constraints

from virgil.distributions.constraints import integer
from virgil.distributions.core.broadcast_parameters import broadcast_pair
from virgil.distributions.core.cdf_of_tails import CdfOfTails
from virgil.distributions.core.expand_methods import expand_parameters
from virgil.distributions.core.shape_algebra import TorchDistributionMixin
from virgil.distributions.core.tails import Tails
from virgil.ops.double_precision import in_double
from virgil.ops.poisson_difference import log_poisson_difference
from virgil.ops.sizes import Sizes

__all__ = ["Skellam"]

_POINTS = 81


@expand_parameters
class Skellam(TorchDistributionMixin, CdfOfTails):
    r"""The difference of two independent Poisson counts.

    The probability of k is :math:`e^{-a-b} (a / b)^{k/2} I_{|k|}(2 \sqrt{ab})` *(Skellam 1946)*. The Bessel function is
    the integral of :math:`e^{2 \sqrt{ab} \cos\theta} \cos k\theta`, taken through its saddle point, where nothing
    cancels. Shape: parameters ``(*batch,)``, event ``()``.

    Args:
        rate1: a > 0, mean of the count that is added.
        rate2: b > 0, mean of the count that is subtracted.
    """

    arg_constraints = {"rate1": constraints.positive, "rate2": constraints.positive}
    support = integer
    _tails = Tails(
        lambda fn, value: in_double(_log_below, value, fn.rate1, fn.rate2),
        lambda fn, value: in_double(_log_above, value, fn.rate1, fn.rate2),
        lambda fn, mass: fn.icdf(mass),
        lambda fn, mass: fn.icdf(1 - mass),
    )

    def __init__(self, rate1: Tensor | float, rate2: Tensor | float, *, validate_args: bool | None = None) -> None:
        self.rate1, self.rate2 = broadcast_pair(rate1, rate2)
        super().__init__(self.rate1.shape, validate_args=validate_args)

    def sample(self, sample_shape: Sizes = Size()) -> Tensor:
        with torch.no_grad():
            shape = self.shape(sample_shape)
            return torch.poisson(self.rate1.expand(shape)) - torch.poisson(self.rate2.expand(shape))

    def log_prob(self, value: Tensor) -> Tensor:
        if self._validate_args:
            self._validate_sample(value)
        return in_double(_log_prob, value, self.rate1, self.rate2)

    @property
    def mean(self) -> Tensor:
        return self.rate1 - self.rate2

    @property
    def variance(self) -> Tensor:
        return self.rate1 + self.rate2


def _log_prob(value: Tensor, rate1: Tensor, rate2: Tensor) -> Tensor:
    """With r = sqrt(k**2 + 4ab): ``r - a - b - |k| log((|k| + r) / 2a)`` plus the logarithm of an integral."""
    k = value.abs()
    larger = torch.where(value < 0, rate2, rate1)
    r = (k.square() + 4 * rate1 * rate2).sqrt()
    exponent = r - rate1 - rate2 - torch.xlogy(k, (k + r) / (2 * larger))
    return exponent + _log_integral(k, r)


def _log_below(value: Tensor, rate1: Tensor, rate2: Tensor) -> Tensor:
    return log_poisson_difference(value.detach().floor(), rate1, rate2)[0]


def _log_above(value: Tensor, rate1: Tensor, rate2: Tensor) -> Tensor:
    return log_poisson_difference(value.detach().floor(), rate1, rate2)[1]


def _log_integral(k: Tensor, r: Tensor) -> Tensor:
    """The logarithm of the mean of ``exp(r (cos(t) - 1)) cos(k (sin(t) - t))`` over t in (0, pi)."""
    k, r = k.unsqueeze(-1), r.unsqueeze(-1)
    with torch.no_grad():
        # beyond this the integrand is below 1e-17
        end = 2 * torch.asin((20 / r.clamp_min(20.0)).sqrt())
        t = end * torch.linspace(0.0, 1.0, _POINTS, dtype=r.dtype, device=r.device)
        weights = torch.ones(_POINTS, dtype=r.dtype, device=r.device)
        weights[0] = weights[-1] = 0.5
        sine_less = torch.where(t < 0.1, -(t**3) / 6 * (1 - t**2 / 20 * (1 - t**2 / 42 * (1 - t**2 / 72))), t.sin() - t)
    values = (-2 * r * (t / 2).sin().square()).exp() * (k * sine_less).cos()
    return ((values * weights).sum(-1) * end.squeeze(-1) / ((_POINTS - 1) * math.pi)).log()

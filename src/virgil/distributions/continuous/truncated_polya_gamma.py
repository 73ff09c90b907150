"""The Pólya-Gamma distribution below a bound."""

from __future__ import annotations

import math
from typing import Any, Self

import torch
from torch import Size, Tensor
from torch import distributions as td
from torch.distributions import constraints

from virgil.distributions.core.shape_algebra import TorchDistributionMixin
from virgil.ops.sizes import Sizes

__all__ = ["TruncatedPolyaGamma"]

_SWITCH = 0.16  # where both series have the same number of terms
_STEPS = 60


class TruncatedPolyaGamma(TorchDistributionMixin):
    r"""A Pólya-Gamma number PG(1, 0), given that it is below 2.5: the augmentation of a logistic likelihood.

    Four times the number is the time at which a Brownian motion leaves the interval (-1, 1). The log-density is exact:
    with :math:`c_n = (n + 1/2)`, :math:`2 \pi \sum_n (-1)^n 2 c_n e^{-2 \pi^2 c_n^2 x}`, or where x is small
    :math:`(2 \pi x^3)^{-1/2} \sum_n (-1)^n 2 c_n e^{-c_n^2 / (2 x)}`, over the mass below 2.5 *(Polson, Scott and
    Windle 2013, section 2; Devroye 2009)*. Draws are quantiles. It has no parameters. Shape: batch and event ``()``.

    Args:
        prototype: a tensor with the dtype and device of draws.
    """

    truncation_point = 2.5
    num_log_prob_terms = 7
    num_gamma_variates = 8

    arg_constraints: dict[str, constraints.Constraint] = {}
    support = constraints.interval(0.0, truncation_point)
    has_rsample = False

    def __init__(self, prototype: Tensor, validate_args: bool | None = None) -> None:
        self.prototype = prototype
        super().__init__(validate_args=validate_args)

    def expand(self, batch_shape: Sizes, _instance: Any = None) -> Self:
        new = self._get_checked_instance(TruncatedPolyaGamma, _instance)
        new.prototype = self.prototype
        td.Distribution.__init__(new, Size(batch_shape), validate_args=False)
        new._validate_args = self._validate_args
        return new

    def sample(self, sample_shape: Sizes = Size()) -> Tensor:
        with torch.no_grad():
            shape = self.shape(sample_shape)
            like = {"dtype": torch.double, "device": self.prototype.device}
            wanted = torch.rand(shape, **like) * (1 - _above(self.truncation_point))  # type: ignore[call-overload]
            low = torch.full_like(wanted, 1e-3)  # the mass below is 1e-53
            high = torch.full_like(wanted, self.truncation_point)
            for _ in range(_STEPS):
                middle = (low + high) / 2
                less = _mass_below(middle, self.num_log_prob_terms) < wanted
                low, high = torch.where(less, middle, low), torch.where(less, high, middle)
            return ((low + high) / 2).to(self.prototype.dtype)

    @property
    def mean(self) -> Tensor:
        """0.249990, where the mean without a bound is 1 / 4."""
        return self._constant(_moment(1, self.truncation_point))

    @property
    def variance(self) -> Tensor:
        """0.041645, where the variance without a bound is 1 / 24."""
        first, second = (_moment(order, self.truncation_point) for order in (1, 2))
        return self._constant(second - first**2)

    def _constant(self, number: float) -> Tensor:
        like = self.prototype
        return torch.full((), number, dtype=like.dtype, device=like.device).expand(self._batch_shape)

    def log_prob(self, value: Tensor) -> Tensor:
        if self._validate_args:
            self._validate_sample(value)
        log_density = _log_density(value.double(), self.num_log_prob_terms)
        log_density = log_density - math.log1p(-_above(self.truncation_point))
        return log_density.to(self.prototype.dtype).expand(torch.broadcast_shapes(value.shape, self._batch_shape))


def _above(bound: float) -> float:
    """The mass above a bound that is not small."""
    terms = ((-1.0) ** n / (n + 0.5) * math.exp(-2 * (math.pi * (n + 0.5)) ** 2 * bound) for n in range(4))
    return 2 / math.pi * math.fsum(terms)


def _moment(order: int, bound: float) -> float:
    """The mean, or the mean square, of what lies below a bound: without one they are 1 / 4 and 5 / 48."""
    beyond = 0.0
    for n in range(4):
        rate = 2 * (math.pi * (n + 0.5)) ** 2
        powers = bound + 1 / rate if order == 1 else bound**2 + 2 * bound / rate + 2 / rate**2
        beyond += (-1) ** n * 2 * math.pi * (2 * n + 1) / rate * math.exp(-rate * bound) * powers
    return ((1 / 4 if order == 1 else 5 / 48) - beyond) / (1 - _above(bound))


def _log_density(x: Tensor, terms: int) -> Tensor:
    x = x.unsqueeze(-1)
    n = torch.arange(terms, dtype=x.dtype, device=x.device)
    signs, odd = 1 - 2 * (n % 2), 2 * n + 1
    small = x < _SWITCH
    low, high = torch.where(small, x, _SWITCH).clamp_min(1e-300), torch.where(small, _SWITCH, x)
    # over the first term
    near = (signs * odd * (-(odd.square() - 1) / (8 * low)).exp()).sum(-1, keepdim=True).log()
    near = near - 1 / (8 * low) - 1.5 * low.log() - math.log(2 * math.pi) / 2
    far = (signs * odd * (-(odd.square() - 1) * (math.pi**2 / 2) * high).exp()).sum(-1, keepdim=True).log()
    far = far - math.pi**2 / 2 * high + math.log(2 * math.pi)
    return torch.where(small, near, far).squeeze(-1)


def _mass_below(x: Tensor, terms: int) -> Tensor:
    x = x.unsqueeze(-1)
    n = torch.arange(terms, dtype=x.dtype, device=x.device)
    signs, odd = 1 - 2 * (n % 2), 2 * n + 1
    near = 4 * (signs * torch.special.ndtr(-odd / (2 * x.sqrt()))).sum(-1)
    far = 1 - 4 / math.pi * (signs / odd * (-odd.square() * (math.pi**2 / 2) * x).exp()).sum(-1)
    return torch.where(x.squeeze(-1) < _SWITCH, near, far)

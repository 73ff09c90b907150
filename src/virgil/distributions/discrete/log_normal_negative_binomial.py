"""The negative binomial distribution with noise on its log-odds."""

from __future__ import annotations

from typing import Any, Self

import torch
from torch import Size, Tensor
from torch import distributions as td
from torch.distributions import constraints
from torch.distributions.utils import broadcast_all

from virgil.distributions.core.shape_algebra import TorchDistributionMixin
from virgil.distributions.discrete.negative_binomial import NegativeBinomial
from virgil.errors import ArgumentError, shown
from virgil.ops.double_precision import in_double
from virgil.ops.quadrature import get_quad_rule
from virgil.ops.sizes import Sizes

__all__ = ["LogNormalNegativeBinomial"]

_PARAMETERS = ("total_count", "logits", "multiplicative_noise_scale")


class LogNormalNegativeBinomial(TorchDistributionMixin):
    r"""A count that is Poisson with a rate of gamma and log-normal noise *(Zhou, Li, Dunson and Carin 2012)*.

    It is `NegativeBinomial` with the log-odds ``logits + noise``, where the noise is normal with the standard deviation
    ``multiplicative_noise_scale``. The probability of k is :math:`\int \mathrm{NB}(k \mid r, \text{logits} +
    \epsilon)\, N(\epsilon \mid 0, \sigma^2)\, d\epsilon`. It is taken by Gauss-Hermite quadrature: exact for a
    polynomial, and within 1e-6 for a scale of 1 and the default of 8 points unless the count lies far out; more points
    serve larger scales. Mean and variance are exact: ``m = exp(logits + scale**2 / 2) * total_count`` and ``m + m**2 *
    (exp(scale**2) * (1 + 1 / total_count) - 1)``. Shape: parameters ``(*batch,)``, event ``()``.

    Args:
        total_count: number r of failures of the negative binomial, > 0, need not be an integer.
        logits: log-odds of success without noise.
        multiplicative_noise_scale: standard deviation of the noise, > 0.
        num_quad_points: how many points the integral takes, >= 1.

    Raises:
        ArgumentError: less than one point.

    >>> fn = LogNormalNegativeBinomial(3.0, torch.tensor(0.5), 0.3)
    >>> fn.log_prob(torch.tensor([0.0, 5.0])), fn.mean
    (tensor([-2.8062, -2.3256]), tensor(5.1738))
    """

    arg_constraints = {
        "total_count": constraints.greater_than_eq(0),
        "logits": constraints.real,
        "multiplicative_noise_scale": constraints.positive,
    }
    support = constraints.nonnegative_integer

    def __init__(
        self,
        total_count: Tensor | float,
        logits: Tensor | float,
        multiplicative_noise_scale: Tensor | float,
        *,
        num_quad_points: int = 8,
        validate_args: bool | None = None,
    ) -> None:
        if num_quad_points < 1:
            raise ArgumentError(
                f"LogNormalNegativeBinomial got num_quad_points={shown(num_quad_points)}; it must be positive."
            )
        self.total_count, self.logits, self.multiplicative_noise_scale = broadcast_all(
            total_count, logits, multiplicative_noise_scale
        )
        self.num_quad_points = num_quad_points
        super().__init__(self.logits.shape, validate_args=validate_args)

    def expand(self, batch_shape: Sizes, _instance: Any = None) -> Self:
        new = self._get_checked_instance(LogNormalNegativeBinomial, _instance)
        new.num_quad_points = self.num_quad_points
        for name in _PARAMETERS:
            setattr(new, name, getattr(self, name).expand(batch_shape))
        td.Distribution.__init__(new, Size(batch_shape), validate_args=False)
        new._validate_args = self._validate_args
        return new

    def sample(self, sample_shape: Sizes = Size()) -> Tensor:
        with torch.no_grad():
            logits = self.logits.expand(self.shape(sample_shape))
            logits = logits + self.multiplicative_noise_scale * torch.randn_like(logits)
            gamma = td.Gamma(self.total_count.expand(logits.shape), 1.0, validate_args=False).sample()
            return torch.poisson(gamma * logits.exp())

    def log_prob(self, value: Tensor) -> Tensor:
        if self._validate_args:
            self._validate_sample(value)
        return in_double(self._by_quadrature, value, self.total_count, self.logits, self.multiplicative_noise_scale)

    def _by_quadrature(self, value: Tensor, total_count: Tensor, logits: Tensor, scale: Tensor) -> Tensor:
        points, log_weights = get_quad_rule(self.num_quad_points, logits)
        noisy = logits.unsqueeze(-1) + scale.unsqueeze(-1) * points
        at_points = NegativeBinomial(total_count.unsqueeze(-1), logits=noisy, validate_args=False)
        return (at_points.log_prob(value.unsqueeze(-1)) + log_weights).logsumexp(-1)

    @property
    def mean(self) -> Tensor:
        return self.total_count * (self.logits + self.multiplicative_noise_scale.square() / 2).exp()

    @property
    def variance(self) -> Tensor:
        noise = self.multiplicative_noise_scale.square()
        # exp(noise) * (1 + 1 / r) - 1, without the difference
        spread = torch.expm1(noise) + noise.exp() / self.total_count
        return self.mean + self.mean.square() * spread

"""The beta distribution on any interval."""

from __future__ import annotations

from typing import Any, Self

import torch
from torch import Size, Tensor
from torch import distributions as td
from torch.distributions import constraints
from torch.distributions.utils import broadcast_all

from virgil.distributions.continuous.beta import Beta
from virgil.distributions.core.shape_algebra import TorchDistributionMixin
from virgil.ops.double_precision import in_double
from virgil.ops.sizes import Sizes

__all__ = ["AffineBeta"]


class AffineBeta(TorchDistributionMixin):
    """``loc + scale * x`` for x of a beta distribution: a number between ``loc`` and ``loc + scale``.

    Draws are kept off the two ends by a unit of rounding, so that log-density and derivatives are finite. Shape:
    parameters ``(*batch,)``, event ``()``.

    Args:
        concentration1: a > 0.
        concentration0: b > 0.
        loc: the lower end.
        scale: > 0, the length of the interval.
    """

    arg_constraints = {
        "concentration1": constraints.positive,
        "concentration0": constraints.positive,
        "loc": constraints.real,
        "scale": constraints.positive,
    }
    has_rsample = True

    def __init__(
        self,
        concentration1: Tensor | float,
        concentration0: Tensor | float,
        loc: Tensor | float,
        scale: Tensor | float,
        validate_args: bool | None = None,
    ) -> None:
        ones, zeros, self._loc, self._scale = broadcast_all(concentration1, concentration0, loc, scale)
        self._beta = Beta(ones, zeros, validate_args=False)  # this class checks the same parameters
        super().__init__(self._loc.shape, validate_args=validate_args)

    def expand(self, batch_shape: Sizes, _instance: Any = None) -> Self:
        new = self._get_checked_instance(AffineBeta, _instance)
        shape = Size(batch_shape)
        new._beta = self._beta.expand(shape)
        new._loc, new._scale = self._loc.expand(shape), self._scale.expand(shape)
        td.Distribution.__init__(new, shape, validate_args=False)
        new._validate_args = self._validate_args
        return new

    @property
    def concentration1(self) -> Tensor:
        """The power of the distance from the lower end, plus 1."""
        return self._beta.concentration1

    @property
    def concentration0(self) -> Tensor:
        """The power of the distance from the upper end, plus 1."""
        return self._beta.concentration0

    @property
    def loc(self) -> Tensor:
        """The lower end."""
        return self._loc

    @property
    def scale(self) -> Tensor:
        """The length of the interval."""
        return self._scale

    @constraints.dependent_property(is_discrete=False, event_dim=0)
    def support(self) -> constraints.Constraint:
        return constraints.interval(self.low, self.high)

    @property
    def low(self) -> Tensor:
        """The lower end."""
        return self.loc

    @property
    def high(self) -> Tensor:
        """The upper end."""
        return self.loc + self.scale

    @property
    def sample_size(self) -> Tensor:
        """The sum of both concentrations, as of a count of prior observations."""
        return self.concentration1 + self.concentration0

    def rsample(self, sample_shape: Sizes = Size()) -> Tensor:
        low, high = self.low, self.high
        unit = torch.finfo(low.dtype).eps * torch.maximum(low.abs(), high.abs())
        drawn = self.loc + self.scale * self._beta.rsample(sample_shape)
        return torch.minimum(torch.maximum(drawn, low + unit), high - unit)

    def log_prob(self, value: Tensor) -> Tensor:
        if self._validate_args:
            self._validate_sample(value)
        return in_double(_log_prob, value, self.concentration1, self.concentration0, self.loc, self.scale)

    def cdf(self, value: Tensor) -> Tensor:
        if self._validate_args:
            self._validate_sample(value)
        return self._beta.cdf((value - self.loc) / self.scale)

    def icdf(self, value: Tensor) -> Tensor:
        return self.loc + self.scale * self._beta.icdf(value)

    def entropy(self) -> Tensor:
        return self._beta.entropy() + self.scale.log()

    @property
    def mean(self) -> Tensor:
        return self.loc + self.scale * self._beta.mean

    @property
    def mode(self) -> Tensor:
        return self.loc + self.scale * self._beta.mode

    @property
    def variance(self) -> Tensor:
        return self.scale.square() * self._beta.variance


def _log_prob(value: Tensor, a: Tensor, b: Tensor, loc: Tensor, scale: Tensor) -> Tensor:
    log_beta = torch.lgamma(a) + torch.lgamma(b) - torch.lgamma(a + b)
    below, above = (value - loc) / scale, (loc + scale - value) / scale
    return torch.xlogy(a - 1, below) + torch.xlogy(b - 1, above) - log_beta - scale.log()

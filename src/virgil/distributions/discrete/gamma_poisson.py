"""The gamma-Poisson distribution."""

from __future__ import annotations

import torch
from torch import Size, Tensor
from torch.distributions import Gamma, constraints

from virgil.distributions.core.broadcast_parameters import broadcast_pair
from virgil.distributions.core.cdf_of_tails import QuantilesOfCounts
from virgil.distributions.core.expand_methods import expand_parameters
from virgil.distributions.core.shape_algebra import TorchDistributionMixin
from virgil.distributions.core.tails import tails_of_failures
from virgil.ops.double_precision import in_double
from virgil.ops.sizes import Sizes

__all__ = ["GammaPoisson"]


@expand_parameters
class GammaPoisson(TorchDistributionMixin, QuantilesOfCounts):
    r"""An overdispersed count, Poisson with a rate from ``Gamma(concentration, rate)``.

    With concentration a and rate b, the probability of k is :math:`\frac{\Gamma(a + k)}{\Gamma(a)\, k!} \frac{b^a}{(1 +
    b)^{a + k}}`. It is the negative binomial with ``total_count = concentration`` and ``logits = -log(rate)``
    *(Johnson, Kemp and Kotz 2005, section 5.3)*. Shape: parameters ``(*batch,)``, event ``()``.

    Args:
        concentration: shape of the gamma distribution, > 0.
        rate: inverse scale of the gamma distribution, > 0; the mean count is concentration / rate.
    """

    arg_constraints = {"concentration": constraints.positive, "rate": constraints.positive}
    support = constraints.nonnegative_integer
    _tails = tails_of_failures(lambda fn: fn.concentration, lambda fn: fn.rate.log())

    def __init__(self, concentration: Tensor | float, rate: Tensor | float, validate_args: bool | None = None) -> None:
        self.concentration, self.rate = broadcast_pair(concentration, rate)
        super().__init__(self.rate.shape, validate_args=validate_args)

    def sample(self, sample_shape: Sizes = Size()) -> Tensor:
        with torch.no_grad():
            gamma = Gamma(self.concentration.expand(self.shape(sample_shape)), 1.0, validate_args=False).sample()
            return torch.poisson(gamma / self.rate)

    def log_prob(self, value: Tensor) -> Tensor:
        if self._validate_args:
            self._validate_sample(value)
        return in_double(_log_prob, value, self.concentration, self.rate)

    @property
    def mean(self) -> Tensor:
        return self.concentration / self.rate

    @property
    def variance(self) -> Tensor:
        return self.concentration / self.rate**2 * (1 + self.rate)


def _log_prob(value: Tensor, concentration: Tensor, rate: Tensor) -> Tensor:
    ways = torch.lgamma(concentration + value) - torch.lgamma(concentration) - torch.lgamma(value + 1)
    return ways - concentration * rate.reciprocal().log1p() - value * rate.log1p()

"""The exponentially modified normal distribution."""

from __future__ import annotations

import torch
from torch import Size, Tensor
from torch.distributions import constraints
from torch.distributions.utils import broadcast_all

from virgil.distributions.core.expand_methods import expand_parameters
from virgil.distributions.core.shape_algebra import TorchDistributionMixin
from virgil.ops.double_precision import in_double
from virgil.ops.normal_tails import log_exponential_normal
from virgil.ops.sizes import Sizes

__all__ = ["ExGaussian"]


@expand_parameters
class ExGaussian(TorchDistributionMixin):
    r"""The sum of a normal number and an exponential one: reaction times, peaks of chromatograms.

    With :math:`z = (x - \mu) / \sigma` the density is :math:`\lambda \exp(\lambda^2 \sigma^2 / 2 - \lambda \sigma z)
    \Phi(z - \lambda \sigma)` *(Grushka 1972)*. Shape: parameters ``(*batch,)``, event ``()``.

    Args:
        loc: mean of the normal number.
        scale: its standard deviation, > 0.
        rate: of the exponential number, > 0.
    """

    arg_constraints = {"loc": constraints.real, "scale": constraints.positive, "rate": constraints.positive}
    support = constraints.real
    has_rsample = True

    def __init__(
        self,
        loc: Tensor | float,
        scale: Tensor | float,
        rate: Tensor | float,
        *,
        validate_args: bool | None = None,
    ) -> None:
        self.loc, self.scale, self.rate = broadcast_all(loc, scale, rate)
        super().__init__(self.loc.shape, validate_args=validate_args)

    def rsample(self, sample_shape: Sizes = Size()) -> Tensor:
        shape = self.shape(sample_shape)
        noise = torch.randn(shape, dtype=self.loc.dtype, device=self.loc.device)
        return self.loc + self.scale * noise + torch.empty_like(noise).exponential_() / self.rate

    def log_prob(self, value: Tensor) -> Tensor:
        if self._validate_args:
            self._validate_sample(value)
        return in_double(_log_prob, value, self.loc, self.scale, self.rate)

    def cdf(self, value: Tensor) -> Tensor:
        if self._validate_args:
            self._validate_sample(value)
        return in_double(_cdf, value, self.loc, self.scale, self.rate)

    @property
    def mean(self) -> Tensor:
        return self.loc + 1 / self.rate

    @property
    def variance(self) -> Tensor:
        return self.scale.square() + self.rate.square().reciprocal()


def _log_prob(value: Tensor, loc: Tensor, scale: Tensor, rate: Tensor) -> Tensor:
    return rate.log() + log_exponential_normal((value - loc) / scale, rate * scale)


def _cdf(value: Tensor, loc: Tensor, scale: Tensor, rate: Tensor) -> Tensor:
    z = (value - loc) / scale
    below: Tensor = torch.special.ndtr(z)
    return below - log_exponential_normal(z, rate * scale).exp()

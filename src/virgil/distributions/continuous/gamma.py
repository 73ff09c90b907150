"""The gamma distribution."""

from __future__ import annotations

import torch
from torch import Tensor
from torch import distributions as td

from virgil.distributions.core.cdf_of_tails import QuantilesOfTails
from virgil.distributions.core.conjugate_updates import of_family
from virgil.distributions.core.divergence import divergence
from virgil.distributions.core.gamma_draws import GammaDraws
from virgil.distributions.core.shape_algebra import TorchDistributionMixin
from virgil.ops.double_precision import in_double

__all__ = ["Gamma", "gamma_log_prob"]


class Gamma(TorchDistributionMixin, QuantilesOfTails, GammaDraws):
    """A positive number with density proportional to ``x**(concentration - 1) * exp(-rate * x)``.

    Shape: parameters ``(*batch,)``, event ``()``.

    Args:
        concentration: shape, > 0.
        rate: inverse scale, > 0; the mean is concentration / rate.
    """

    def log_prob(self, value: Tensor) -> Tensor:
        if self._validate_args:
            self._validate_sample(value)
        return in_double(
            gamma_log_prob,
            torch.as_tensor(value, dtype=self.rate.dtype, device=self.rate.device),
            self.concentration,
            self.rate,
        )

    def conjugate_update(self, other: td.Distribution) -> tuple[td.Distribution, Tensor]:
        factor = of_family(td.Gamma, other)
        updated = Gamma(self.concentration + factor.concentration - 1, self.rate + factor.rate)
        ours, theirs, product = (
            in_double(_log_normalizer, each.concentration, each.rate) for each in (self, factor, updated)
        )
        return updated, product - ours - theirs

    def entropy(self) -> Tensor:
        return in_double(_entropy, self.concentration, self.rate)


def _entropy(a: Tensor, rate: Tensor) -> Tensor:
    return a - rate.log() + torch.lgamma(a) + (1 - a) * torch.digamma(a)


def _log_normalizer(concentration: Tensor, rate: Tensor) -> Tensor:
    return torch.lgamma(concentration) - torch.xlogy(concentration, rate)


def gamma_log_prob(value: Tensor, concentration: Tensor, rate: Tensor) -> Tensor:
    """The log-density of a gamma distribution. Its terms cancel where the concentration is large."""
    powers = torch.xlogy(concentration, rate) + torch.xlogy(concentration - 1, value)
    return powers - rate * value - torch.lgamma(concentration)


@divergence(Gamma, Gamma)
def _kl_gamma(p: td.Gamma, q: td.Gamma) -> Tensor:
    return in_double(_divergence, p.concentration, p.rate, q.concentration, q.rate)


def _divergence(a: Tensor, rate: Tensor, other_a: Tensor, other_rate: Tensor) -> Tensor:
    shapes = torch.lgamma(other_a) - torch.lgamma(a) + (a - other_a) * torch.digamma(a)
    return shapes + other_a * (rate / other_rate).log() + (other_rate - rate) * a / rate

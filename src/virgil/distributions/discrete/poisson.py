"""The Poisson distribution."""

from __future__ import annotations

import torch
from torch import Tensor
from torch import distributions as td

from virgil.distributions.core.cdf_of_tails import QuantilesOfCounts
from virgil.distributions.core.divergence import divergence
from virgil.distributions.core.expand_methods import expand_as_torch
from virgil.distributions.core.log_probabilities import times
from virgil.distributions.core.shape_algebra import TorchDistributionMixin
from virgil.distributions.discrete.bernoulli import Bernoulli
from virgil.ops.double_precision import in_double

__all__ = ["Poisson"]


@expand_as_torch
class Poisson(TorchDistributionMixin, QuantilesOfCounts, td.Poisson):
    """The number of events of a Poisson process in unit time: ``rate**k * exp(-rate) / k!`` for k = 0, 1, 2, ...

    Shape: parameters ``(*batch,)``, event ``()``.

    Args:
        rate: mean, >= 0.
        is_sparse: a hint that most counts are zero; the log-probability is the same.
    """

    def __init__(self, rate: Tensor | float, validate_args: bool | None = None, *, is_sparse: bool = False) -> None:
        super().__init__(rate, validate_args=validate_args)

    def log_prob(self, value: Tensor) -> Tensor:
        if self._validate_args:
            self._validate_sample(value)
        return in_double(_log_prob, value, self.rate)


def _log_prob(value: Tensor, rate: Tensor) -> Tensor:
    # the same rate, without a derivative where it is 0: that would be NaN, and lost where a mixture's weight is zero
    powers = torch.xlogy(value, torch.where(rate == 0, 0.0, rate))
    return powers - rate - torch.lgamma(value + 1)


@divergence(Poisson, Poisson)
def _kl_poisson(p: td.Poisson, q: td.Poisson) -> Tensor:
    return in_double(_divergence, p.rate, q.rate)


def _divergence(rate: Tensor, other: Tensor) -> Tensor:
    return times(rate, torch.where(rate > 0, rate, 1.0).log() - torch.where(rate > 0, other, 1.0).log()) - rate + other


@divergence(Bernoulli, Poisson)
def _kl_bernoulli_poisson(p: td.Bernoulli, q: td.Poisson) -> Tensor:
    value: Tensor = q.rate - p.entropy() - times(p.probs, torch.where(p.probs > 0, q.rate, 1.0).log())
    return value

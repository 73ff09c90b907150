"""The beta distribution."""

from __future__ import annotations

import torch
from torch import Tensor
from torch import distributions as td

from virgil.distributions.core.broadcast_parameters import broadcast_pair
from virgil.distributions.core.cdf_of_tails import QuantilesOfTails
from virgil.distributions.core.conjugate_updates import of_family
from virgil.distributions.core.divergence import divergence
from virgil.distributions.core.expand_methods import expand_as_torch
from virgil.distributions.core.shape_algebra import TorchDistributionMixin
from virgil.distributions.core.simplex_draws import SimplexDraws
from virgil.ops.double_precision import in_double

__all__ = ["Beta"]


@expand_as_torch
class Beta(TorchDistributionMixin, QuantilesOfTails, td.Beta):
    """A number in (0, 1) with density proportional to ``x**(a - 1) * (1 - x)**(b - 1)``.

    Shape: parameters ``(*batch,)``, event ``()``.

    Args:
        concentration1: a > 0.
        concentration0: b > 0.
    """

    def __init__(
        self, concentration1: Tensor | float, concentration0: Tensor | float, validate_args: bool | None = None
    ) -> None:
        both = torch.stack(broadcast_pair(concentration1, concentration0), -1)
        self._dirichlet = SimplexDraws(both, validate_args=False)  # this class checks the same parameters and values
        td.Distribution.__init__(self, both.shape[:-1], validate_args=validate_args)

    def log_prob(self, value: Tensor) -> Tensor:
        if self._validate_args:
            self._validate_sample(value)
        return in_double(_log_prob, value, self.concentration1, self.concentration0)

    def conjugate_update(self, other: td.Distribution) -> tuple[td.Distribution, Tensor]:
        factor = of_family(td.Beta, other)
        ones = self.concentration1 + factor.concentration1 - 1
        zeros = self.concentration0 + factor.concentration0 - 1
        ours, theirs = (in_double(_log_beta, each.concentration1, each.concentration0) for each in (self, factor))
        return Beta(ones, zeros), in_double(_log_beta, ones, zeros) - ours - theirs

    def entropy(self) -> Tensor:
        return in_double(_entropy, self.concentration1, self.concentration0)


def _log_beta(a: Tensor, b: Tensor) -> Tensor:
    return torch.lgamma(a) + torch.lgamma(b) - torch.lgamma(a + b)


def _log_prob(value: Tensor, a: Tensor, b: Tensor) -> Tensor:
    return torch.xlogy(a - 1, value) + torch.xlogy(b - 1, 1 - value) - _log_beta(a, b)


def _entropy(a: Tensor, b: Tensor) -> Tensor:
    each = (a - 1) * torch.digamma(a) + (b - 1) * torch.digamma(b)
    return _log_beta(a, b) - each + (a + b - 2) * torch.digamma(a + b)


@divergence(Beta, Beta)
def _kl_beta(p: td.Beta, q: td.Beta) -> Tensor:
    return in_double(_divergence, p.concentration1, p.concentration0, q.concentration1, q.concentration0)


def _divergence(a: Tensor, b: Tensor, other_a: Tensor, other_b: Tensor) -> Tensor:
    ones, zeros = (a - other_a) * torch.digamma(a), (b - other_b) * torch.digamma(b)
    both = (other_a - a + other_b - b) * torch.digamma(a + b)
    return _log_beta(other_a, other_b) - _log_beta(a, b) + ones + zeros + both

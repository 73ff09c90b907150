"""The Dirichlet distribution."""

from __future__ import annotations

import torch
from torch import Tensor
from torch import distributions as td

from virgil.distributions.core.conjugate_updates import of_family
from virgil.distributions.core.divergence import divergence
from virgil.distributions.core.shape_algebra import TorchDistributionMixin
from virgil.distributions.core.simplex_draws import SimplexDraws
from virgil.ops.double_precision import in_double

__all__ = ["Dirichlet"]


class Dirichlet(TorchDistributionMixin, SimplexDraws):
    """A vector on the simplex with density proportional to ``prod(x**(concentration - 1))``.

    Shape: event ``(n,)``.

    Args:
        concentration: > 0. Shape: ``(*batch, n)``.
    """

    def log_prob(self, value: Tensor) -> Tensor:
        if self._validate_args:
            self._validate_sample(value)
        return in_double(_log_prob, value, self.concentration)

    def conjugate_update(self, other: td.Distribution) -> tuple[td.Distribution, Tensor]:
        factor = of_family(td.Dirichlet, other)
        updated = Dirichlet(self.concentration + factor.concentration - 1)
        ours, theirs, product = (in_double(_log_beta, each.concentration) for each in (self, factor, updated))
        return updated, product - ours - theirs

    def entropy(self) -> Tensor:
        return in_double(_entropy, self.concentration)


def _log_beta(concentration: Tensor) -> Tensor:
    return torch.lgamma(concentration).sum(-1) - torch.lgamma(concentration.sum(-1))


def _log_prob(value: Tensor, concentration: Tensor) -> Tensor:
    return torch.xlogy(concentration - 1, value).sum(-1) - _log_beta(concentration)


def _entropy(concentration: Tensor) -> Tensor:
    total = concentration.sum(-1)
    each = ((concentration - 1) * torch.digamma(concentration)).sum(-1)
    return _log_beta(concentration) - each + (total - concentration.shape[-1]) * torch.digamma(total)


@divergence(Dirichlet, Dirichlet)
def _kl_dirichlet(p: td.Dirichlet, q: td.Dirichlet) -> Tensor:
    return in_double(_divergence, p.concentration, q.concentration)


def _divergence(concentration: Tensor, other: Tensor) -> Tensor:
    mean_logs = torch.digamma(concentration) - torch.digamma(concentration.sum(-1, keepdim=True))
    return _log_beta(other) - _log_beta(concentration) + ((concentration - other) * mean_logs).sum(-1)

"""The multivariate normal distribution of observations some of whose entries are missing."""

from __future__ import annotations

import math

import torch
from torch import Tensor
from torch.distributions import constraints

from virgil.distributions.core.missing_values import real_or_missing
from virgil.distributions.multivariate.multivariate_normal import MultivariateNormal

__all__ = ["NanMaskedMultivariateNormal"]


class NanMaskedMultivariateNormal(MultivariateNormal):
    """`MultivariateNormal` that leaves out entries that are NaN: the density is that of the others alone.

    The marginal density of some entries of a normal vector is normal, with their means and covariances. A vector that
    is all NaN has log-probability 0. A NaN reaches neither the value nor the gradient. Each vector has a Cholesky
    factorisation of its own. Shape: event ``(n,)``.

    Args:
        loc: mean. Shape: ``(*batch, n)``.
        covariance_matrix: positive definite. Shape: ``(*batch, n, n)``.
        precision_matrix: its inverse, in its place.
        scale_tril: its lower Cholesky factor, in its place.

    >>> fn = NanMaskedMultivariateNormal(torch.zeros(2), torch.eye(2))
    >>> fn.log_prob(torch.tensor([[0.5, torch.nan], [torch.nan, torch.nan]]))
    tensor([-1.0439,  0.0000])
    """

    support = constraints.independent(real_or_missing, 1)

    def log_prob(self, value: Tensor) -> Tensor:
        is_there = ~value.isnan()
        complete = torch.where(is_there, value, self.loc.detach())
        if self._validate_args:
            self._validate_sample(value)
        offset = torch.where(is_there, complete - self.loc, 0.0)
        # a missing entry becomes a standard normal one, independent of the rest and at its mean
        both = is_there.unsqueeze(-1) & is_there.unsqueeze(-2)
        covariance = torch.where(both, self.covariance_matrix, 0.0)
        covariance = covariance + torch.diag_embed((~is_there).to(covariance.dtype))
        tril: Tensor = torch.linalg.cholesky(covariance)
        z: Tensor = torch.linalg.solve_triangular(tril, offset.unsqueeze(-1), upper=False).squeeze(-1)
        log_det = tril.diagonal(dim1=-2, dim2=-1).log()
        each = z.square() / 2 + log_det + is_there.to(z.dtype) * (math.log(2 * math.pi) / 2)
        return 0.0 - each.sum(-1)  # of nothing it is 0, not -0

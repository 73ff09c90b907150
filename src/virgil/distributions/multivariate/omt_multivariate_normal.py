"""The normal distribution of vectors, with pathwise derivatives of least transport."""

from __future__ import annotations

from typing import cast

import torch
from torch import Size, Tensor

from virgil.distributions import constraints
from virgil.distributions.core.expand_methods import expand_as_torch
from virgil.distributions.multivariate.multivariate_normal import MultivariateNormal
from virgil.ops.gradient_graph import wants_derivative
from virgil.ops.sizes import Sizes

__all__ = ["OMTMultivariateNormal"]


@expand_as_torch
class OMTMultivariateNormal(MultivariateNormal):
    r"""A `MultivariateNormal` whose draws move as little as possible while their covariance changes.

    If the covariance :math:`\Sigma` changes by :math:`d\Sigma`, a draw x moves by :math:`S (x - \mu)`, where S is the
    symmetric solution of :math:`S \Sigma + \Sigma S = d\Sigma`. This is the optimal transport between both
    distributions *(Jankowiak and Obermeyer 2018)*. Gradients of means over draws are the same as those of
    `MultivariateNormal`, mostly with a smaller variance, and cost an eigendecomposition more. Draws have first
    derivatives only. Shape: event ``(n,)``.

    Args:
        loc: mean. Shape: ``(*batch, n)``.
        scale_tril: lower Cholesky factor of the covariance. Shape: ``(*batch, n, n)``.
    """

    arg_constraints = {"loc": constraints.real_vector, "scale_tril": constraints.lower_cholesky}

    def __init__(self, loc: Tensor, scale_tril: Tensor, validate_args: bool | None = None) -> None:
        super().__init__(loc, scale_tril=scale_tril, validate_args=validate_args)

    def rsample(self, sample_shape: Sizes = Size()) -> Tensor:
        factor = self._unbroadcasted_scale_tril
        normal = torch.randn(self.shape(sample_shape), dtype=self.loc.dtype, device=self.loc.device)
        offset = factor.detach() @ normal.unsqueeze(-1)
        if wants_derivative(factor):
            offset = offset + _transport(factor) @ offset
        return self.loc + offset.squeeze(-1)


def _transport(factor: Tensor) -> Tensor:
    """A matrix of zeros whose derivative is that of S. Shape: that of the Cholesky factor."""
    covariance = factor @ factor.mT
    values, vectors = torch.linalg.eigh(covariance.detach())
    turned = vectors.mT @ (covariance - covariance.detach()) @ vectors
    solution: Tensor = turned / (values.unsqueeze(-1) + values.unsqueeze(-2))
    return cast(Tensor, vectors @ solution @ vectors.mT)

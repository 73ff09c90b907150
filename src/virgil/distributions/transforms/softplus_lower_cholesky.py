"""The map from square matrices to lower Cholesky factors with a softplus of the diagonal."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.distributions.transforms import Transform
from torch.nn.functional import softplus

from virgil.distributions import constraints

__all__ = ["SoftplusLowerCholeskyTransform"]


class SoftplusLowerCholeskyTransform(Transform):
    """From a square matrix to its lower triangle with softplus of its diagonal; ignores the upper triangle.

    Shape: ``(*batch, n, n)`` to ``(*batch, n, n)``.
    """

    domain = constraints.independent(constraints.real, 2)
    codomain = constraints.softplus_lower_cholesky

    def __eq__(self, other: object) -> bool:
        return isinstance(other, SoftplusLowerCholeskyTransform)

    __hash__ = Transform.__hash__

    def _call(self, x: Tensor) -> Tensor:
        return x.tril(-1) + softplus(x.diagonal(dim1=-2, dim2=-1)).diag_embed()

    def _inverse(self, y: Tensor) -> Tensor:
        diagonal = y.diagonal(dim1=-2, dim2=-1)
        return y.tril(-1) + (diagonal + torch.log(-torch.expm1(-diagonal))).diag_embed()

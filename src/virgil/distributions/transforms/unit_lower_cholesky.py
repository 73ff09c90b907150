"""The map from square matrices to lower triangular ones with a diagonal of ones."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.distributions.transforms import Transform

from virgil.distributions import constraints

__all__ = ["UnitLowerCholeskyTransform"]


class UnitLowerCholeskyTransform(Transform):
    """From a square matrix to its strictly lower triangle with ones on the diagonal; ignores the rest.

    Shape: ``(*batch, n, n)`` to ``(*batch, n, n)``.
    """

    domain = constraints.independent(constraints.real, 2)
    codomain = constraints.unit_lower_cholesky

    def __eq__(self, other: object) -> bool:
        return isinstance(other, UnitLowerCholeskyTransform)

    __hash__ = Transform.__hash__

    def _call(self, x: Tensor) -> Tensor:
        return x.tril(-1) + torch.eye(x.size(-1), dtype=x.dtype, device=x.device)

    def _inverse(self, y: Tensor) -> Tensor:
        return y.tril(-1)

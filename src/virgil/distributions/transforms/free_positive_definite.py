"""The bijection from real vectors to positive definite matrices."""

from __future__ import annotations

import math
from typing import cast

import torch
from torch import Tensor
from torch.distributions.transforms import Transform

from virgil.distributions import constraints
from virgil.distributions.transforms.free_cholesky import FreeCholeskyTransform

__all__ = ["FreePositiveDefiniteTransform"]


class FreePositiveDefiniteTransform(FreeCholeskyTransform):
    r"""From the free entries of a Cholesky factor :math:`L` to :math:`L L^\top`.

    The Jacobian of :math:`L \mapsto L L^\top` over lower triangles is :math:`2^n \prod_i L_{ii}^{n - i + 1}` *(Muirhead
    1982, theorem 2.1.9)*.

    Shape: ``(*batch, n * (n + 1) / 2)`` to ``(*batch, n, n)``.
    """

    @property
    def codomain(self) -> constraints.Constraint:  # type: ignore[override]
        """Positive definite matrices."""
        return cast(constraints.Constraint, constraints.positive_definite)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, FreePositiveDefiniteTransform)

    __hash__ = Transform.__hash__

    def _call(self, x: Tensor) -> Tensor:
        factor = super()._call(x)
        return factor @ factor.mT

    def _inverse(self, y: Tensor) -> Tensor:
        return super()._inverse(torch.linalg.cholesky(y))

    def log_abs_det_jacobian(self, x: Tensor, y: Tensor) -> Tensor:
        size = y.shape[-1]
        rows = torch.arange(size, device=x.device)
        log_diagonal = x[..., rows * (rows + 3) // 2]
        powers = torch.arange(size + 1, 1, -1, dtype=x.dtype, device=x.device)  # n - i + 1, and 1 for the exponential
        return (powers * log_diagonal).sum(-1) + size * math.log(2)

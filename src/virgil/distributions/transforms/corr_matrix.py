"""The map from a correlation matrix's Cholesky factor to the matrix."""

from __future__ import annotations

from typing import cast

import torch
from torch import Tensor
from torch.distributions.transforms import Transform

from virgil.distributions import constraints

__all__ = ["CorrMatrixTransform"]


class CorrMatrixTransform(Transform):
    r"""From the Cholesky factor L of a correlation matrix to the matrix :math:`L L^\top`.

    The coordinates of both are their strictly lower triangles. In row-major order the Jacobian is triangular, with
    :math:`\partial R_{ij} / \partial L_{ij} = L_{jj}`, so its log determinant is :math:`\sum_j (d - j) \log L_{jj}`
    for j counted from 1 *(Lewandowski, Kurowicka and Joe 2009, section 3.2)*.

    Shape: ``(*batch, d, d)`` to ``(*batch, d, d)``.
    """

    domain = constraints.corr_cholesky
    codomain = constraints.corr_matrix
    bijective = True

    def __eq__(self, other: object) -> bool:
        return isinstance(other, CorrMatrixTransform)

    __hash__ = Transform.__hash__

    def _call(self, x: Tensor) -> Tensor:
        return x @ x.mT

    def _inverse(self, y: Tensor) -> Tensor:
        return cast(Tensor, torch.linalg.cholesky(y))

    def log_abs_det_jacobian(self, x: Tensor, y: Tensor) -> Tensor:
        size = x.size(-1)
        below = torch.arange(size - 1, -1, -1, dtype=x.dtype, device=x.device)
        return (below * x.diagonal(dim1=-2, dim2=-1).log()).sum(-1)

"""The map from a correlation matrix to its Cholesky factor."""

from __future__ import annotations

import torch
from torch import Tensor

from virgil.distributions import constraints
from virgil.distributions.transforms.cholesky import CholeskyTransform

__all__ = ["CorrMatrixCholeskyTransform"]


class CorrMatrixCholeskyTransform(CholeskyTransform):
    r"""From a correlation matrix to its lower Cholesky factor :math:`L`; the inverse of ``CorrMatrixTransform``.

    The coordinates of both are their strictly lower triangles, so the log determinant of the Jacobian is
    :math:`-\sum_j (d - j) \log L_{jj}` for j counted from 1 *(Lewandowski, Kurowicka and Joe 2009, section 3.2)*.

    Shape: ``(*batch, d, d)`` to ``(*batch, d, d)``.

    Args:
        cache_size: 1 to keep the last value and its image, 0 to keep none.

    Raises:
        torch.linalg.LinAlgError: a matrix is not positive definite.
    """

    domain = constraints.corr_matrix  # type: ignore[assignment]
    codomain = constraints.corr_cholesky  # type: ignore[assignment]
    bijective = True

    def log_abs_det_jacobian(self, x: Tensor, y: Tensor) -> Tensor:
        below = torch.arange(y.shape[-1] - 1, -1, -1, dtype=y.dtype, device=y.device)
        return -(below * y.diagonal(dim1=-2, dim2=-1).log()).sum(-1)

"""The map from a positive definite matrix to its Cholesky factor."""

from __future__ import annotations

import math

import torch
from torch import Tensor
from torch.distributions.transforms import Transform

from virgil.distributions import constraints
from virgil.ops.cholesky import safe_cholesky

__all__ = ["CholeskyTransform"]


class CholeskyTransform(Transform):
    r"""From a positive definite matrix :math:`A` to its lower Cholesky factor :math:`L`, where :math:`A = L L^\top`.

    The coordinates of both are their lower triangles. The log determinant of the Jacobian is
    :math:`-n \log 2 - \sum_i (n - i + 1) \log L_{ii}` *(Muirhead 1982, theorem 2.1.9)*. The diagonal of :math:`A` is
    raised by a few units in the last place, so that rounding does not make it indefinite
    (:func:`virgil.ops.cholesky.safe_cholesky`).

    Shape: ``(*batch, n, n)`` to ``(*batch, n, n)``.

    Args:
        cache_size: 1 to keep the last value and its image, 0 to keep none.

    Raises:
        torch.linalg.LinAlgError: a matrix is not positive definite.
    """

    domain = constraints.positive_definite
    codomain = constraints.lower_cholesky
    bijective = True

    def __eq__(self, other: object) -> bool:
        return type(other) is type(self)

    __hash__ = Transform.__hash__

    def _call(self, x: Tensor) -> Tensor:
        return safe_cholesky(x)

    def _inverse(self, y: Tensor) -> Tensor:
        return y @ y.mT

    def log_abs_det_jacobian(self, x: Tensor, y: Tensor) -> Tensor:
        size = y.shape[-1]
        powers = torch.arange(size, 0, -1, dtype=y.dtype, device=y.device)
        return -(powers * y.diagonal(dim1=-2, dim2=-1).log()).sum(-1) - size * math.log(2)

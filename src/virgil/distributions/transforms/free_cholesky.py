"""The bijection from real vectors to lower Cholesky factors."""

from __future__ import annotations

import math
from typing import Any, Self, cast

import torch
from torch import Size, Tensor
from torch.distributions.transforms import Transform

from virgil.distributions import constraints

__all__ = ["FreeCholeskyTransform"]


class FreeCholeskyTransform(Transform):
    """From the free entries of a lower triangular matrix, row by row, to the matrix.

    The diagonal is the exponential of its entries, or all ones where ``unit`` is true. torch's
    ``LowerCholeskyTransform`` takes a whole square matrix and ignores a part of it, so it is no bijection.

    Shape: ``(*batch, entries)`` to ``(*batch, n, n)``, with n (n + 1) / 2 entries, or n (n - 1) / 2 where ``unit`` is
    true.

    Args:
        unit: fix the diagonal at one.
        cache_size: as of every transform.
    """

    domain = constraints.real_vector
    bijective = True

    def __init__(self, unit: bool = False, cache_size: int = 0) -> None:
        super().__init__(cache_size=cache_size)
        self.unit = unit

    @property
    def codomain(self) -> constraints.Constraint:  # type: ignore[override]
        """Lower triangular matrices with a positive diagonal, or one of ones."""
        codomain = constraints.unit_lower_cholesky if self.unit else constraints.lower_cholesky
        return cast(constraints.Constraint, codomain)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, FreeCholeskyTransform) and self.unit == other.unit

    __hash__ = Transform.__hash__

    def with_cache(self, cache_size: int = 1) -> Self:
        """The same map with this size of cache."""
        return self if self._cache_size == cache_size else type(self)(self.unit, cache_size)

    def _offset(self) -> int:
        return -1 if self.unit else 0

    def _size(self, entries: int) -> int:
        rest = math.isqrt(8 * entries + 1)
        return (rest + 1) // 2 if self.unit else (rest - 1) // 2

    def _call(self, x: Tensor) -> Tensor:
        size = self._size(x.shape[-1])
        rows, columns = torch.tril_indices(size, size, self._offset(), device=x.device)
        matrix = x.new_zeros((*x.shape[:-1], size, size))
        matrix[..., rows, columns] = x
        diagonal = matrix.diagonal(dim1=-2, dim2=-1)
        return matrix.tril(-1) + (torch.ones_like(diagonal) if self.unit else diagonal.exp()).diag_embed()

    def _inverse(self, y: Tensor) -> Tensor:
        size = y.shape[-1]
        rows, columns = torch.tril_indices(size, size, self._offset(), device=y.device)
        if not self.unit:
            y = y.tril(-1) + y.diagonal(dim1=-2, dim2=-1).log().diag_embed()
        return y[..., rows, columns]

    def log_abs_det_jacobian(self, x: Tensor, y: Tensor) -> Tensor:
        if self.unit:
            return x.new_zeros(x.shape[:-1])
        return y.diagonal(dim1=-2, dim2=-1).log().sum(-1)

    def forward_shape(self, shape: Any) -> Size:
        size = self._size(shape[-1])
        return Size((*shape[:-1], size, size))

    def inverse_shape(self, shape: Any) -> Size:
        size = shape[-1]
        return Size((*shape[:-2], size * (size + 2 * self._offset() + 1) // 2))

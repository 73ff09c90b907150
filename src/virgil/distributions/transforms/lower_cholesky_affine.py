"""Affine maps of vectors by a lower triangular matrix."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.distributions.transforms import Transform

from virgil.distributions import constraints
from virgil.errors import ShapeError

__all__ = ["LowerCholeskyAffine"]


class LowerCholeskyAffine(Transform):
    r"""The affine map :math:`y = L x + m` of vectors with a lower triangular :math:`L`.

    The log determinant of its Jacobian is :math:`\sum_i \log |L_{ii}|`.

    Shape: ``(*batch, n)`` to ``(*batch, n)``.

    Args:
        loc: :math:`m`. Shape: ``(*batch, n)``.
        scale_tril: :math:`L`; its upper triangle must be zero. Shape: ``(*batch, n, n)``.
        cache_size: 1 to keep the last value and its image, 0 to keep none.

    Raises:
        ShapeError: the sizes of the two differ.

    >>> LowerCholeskyAffine(torch.zeros(2), torch.tensor([[2.0, 0.0], [1.0, 3.0]]))(torch.ones(2))
    tensor([2., 4.])
    """

    domain = constraints.real_vector
    codomain = constraints.real_vector
    bijective = True
    volume_preserving = False

    def __init__(self, loc: Tensor, scale_tril: Tensor, cache_size: int = 0) -> None:
        super().__init__(cache_size=cache_size)
        if scale_tril.shape[-2:] != (loc.shape[-1], loc.shape[-1]):
            raise ShapeError(
                f"LowerCholeskyAffine got loc of shape {tuple(loc.shape)} and scale_tril of shape "
                f"{tuple(scale_tril.shape)}; they must end in (n,) and (n, n)."
            )
        self.loc, self.scale_tril = loc, scale_tril

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, LowerCholeskyAffine):
            return False
        return torch.equal(self.loc, other.loc) and torch.equal(self.scale_tril, other.scale_tril)

    __hash__ = Transform.__hash__

    def with_cache(self, cache_size: int = 1) -> LowerCholeskyAffine:
        """The same map with this size of cache."""
        return self if self._cache_size == cache_size else LowerCholeskyAffine(self.loc, self.scale_tril, cache_size)

    def _call(self, x: Tensor) -> Tensor:
        return (self.scale_tril @ x.unsqueeze(-1)).squeeze(-1) + self.loc

    def _inverse(self, y: Tensor) -> Tensor:
        shifted = (y - self.loc).unsqueeze(-1)
        solution: Tensor = torch.linalg.solve_triangular(self.scale_tril, shifted, upper=False).squeeze(-1)
        return solution

    def log_abs_det_jacobian(self, x: Tensor, y: Tensor) -> Tensor:
        log_det = self.scale_tril.diagonal(dim1=-2, dim2=-1).abs().log().sum(-1)
        return log_det.expand(torch.broadcast_shapes(log_det.shape, y.shape[:-1]))

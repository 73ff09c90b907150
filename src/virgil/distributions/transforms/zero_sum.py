"""The map from real vectors to vectors that sum to zero."""

from __future__ import annotations

import torch
from torch import Size, Tensor
from torch.distributions.transforms import Transform

from virgil.distributions import constraints
from virgil.errors import ArgumentError, ShapeError, shown
from virgil.ops.sizes import Sizes

__all__ = ["ZeroSumTransform"]


class ZeroSumTransform(Transform):
    r"""From real arrays to arrays that have one entry more along each of some dims, and sum to zero along each.

    Along one dim of n entries it is the reflection that takes the last axis to the direction of :math:`(1, \ldots, 1)`,
    on vectors whose last entry is zero. It keeps lengths and angles, so its log-determinant is zero.

    Args:
        event_dim: how many of the rightmost dims, 1 or more.

    Raises:
        ArgumentError: no positive number of dims.

    >>> ZeroSumTransform()(torch.tensor([3.0, 1.0, 2.0]))
    tensor([ 2.,  0.,  1., -3.])
    """

    bijective = True

    def __init__(self, event_dim: int = 1, cache_size: int = 0) -> None:
        if event_dim < 1:
            raise ArgumentError(
                f"ZeroSumTransform got event_dim={shown(event_dim)}; it takes a number of dims, 1 or more."
            )
        self._dims = event_dim
        super().__init__(cache_size=cache_size)

    @constraints.dependent_property(is_discrete=False)
    def domain(self) -> constraints.Constraint:
        """Real arrays."""
        return constraints.independent(constraints.real, self._dims)

    @constraints.dependent_property(is_discrete=False)
    def codomain(self) -> constraints.Constraint:
        """Arrays that sum to zero along each dim."""
        return constraints.zero_sum(self._dims)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, ZeroSumTransform) and self._dims == other._dims

    __hash__ = Transform.__hash__

    def _call(self, x: Tensor) -> Tensor:
        for dim in range(-self._dims, 0):
            root = (x.shape[dim] + 1) ** 0.5
            total = x.sum(dim, keepdim=True)
            x = torch.cat([x - total / (root * (root + 1)), -total / root], dim)
        return x

    def _inverse(self, y: Tensor) -> Tensor:
        for dim in range(-self._dims, 0):
            size = y.shape[dim]
            rest, last = y.split([size - 1, 1], dim)
            y = rest - last / (size**0.5 + 1)
        return y

    def log_abs_det_jacobian(self, x: Tensor, y: Tensor) -> Tensor:
        return torch.zeros_like(x.sum(tuple(range(-self._dims, 0))))

    def forward_shape(self, shape: Sizes) -> Size:
        return self._shape(shape, 1)

    def inverse_shape(self, shape: Sizes) -> Size:
        return self._shape(shape, -1)

    def _shape(self, shape: Sizes, step: int) -> Size:
        count = self._dims
        if len(shape) < count:
            raise ShapeError(f"ZeroSumTransform got the shape {tuple(shape)}; it takes at least {count} dims.")
        batch = len(shape) - count
        return Size([*shape[:batch], *(size + step for size in shape[batch:])])

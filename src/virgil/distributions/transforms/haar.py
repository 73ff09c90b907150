"""The discrete Haar wavelet transform as a map."""

from __future__ import annotations

from typing import Any, cast

from torch import Size, Tensor
from torch.distributions.transforms import Transform

from virgil.distributions import constraints
from virgil.distributions.transforms.event_dims import checked_dim
from virgil.ops.haar_transform import haar_transform, inverse_haar_transform

__all__ = ["HaarTransform"]


class HaarTransform(Transform):
    """The orthonormal discrete Haar transform *(Mallat 2009, section 7.3)*; its Jacobian is 1.

    :func:`virgil.ops.haar_transform.haar_transform` says how coefficients are ordered, and what becomes of a length
    that is no power of two.

    Shape: the size of ``dim`` stays; the event has ``-dim`` dims.

    Args:
        dim: the negative dim along which it acts.
        flip: whether to turn the series around before.
        cache_size: 1 to keep the last value and its image, 0 to keep none.

    Raises:
        ArgumentError: ``dim`` is no negative integer.

    >>> import torch
    >>> HaarTransform()(torch.tensor([1.0, 3.0, 2.0, 2.0]))
    tensor([ 4.0000,  0.0000, -1.4142,  0.0000])
    """

    bijective = True

    def __init__(self, dim: int = -1, flip: bool = False, cache_size: int = 0) -> None:
        super().__init__(cache_size=cache_size)
        self.dim = checked_dim(self, dim)
        self.flip = flip

    @property
    def domain(self) -> constraints.Constraint:  # type: ignore[override]
        """Real tensors of ``-dim`` dims."""
        return cast(constraints.Constraint, constraints.independent(constraints.real, -self.dim))

    codomain = domain

    def __eq__(self, other: object) -> bool:
        return isinstance(other, HaarTransform) and (self.dim, self.flip) == (other.dim, other.flip)

    __hash__ = Transform.__hash__

    def with_cache(self, cache_size: int = 1) -> HaarTransform:
        """The same map with this size of cache."""
        return self if self._cache_size == cache_size else HaarTransform(self.dim, self.flip, cache_size)

    def _call(self, x: Tensor) -> Tensor:
        series = x.movedim(self.dim, -1)
        return haar_transform(series.flip(-1) if self.flip else series).movedim(-1, self.dim)

    def _inverse(self, y: Tensor) -> Tensor:
        series = inverse_haar_transform(y.movedim(self.dim, -1))
        return (series.flip(-1) if self.flip else series).movedim(-1, self.dim)

    def log_abs_det_jacobian(self, x: Tensor, y: Tensor) -> Tensor:
        return x.new_zeros(x.shape[: x.dim() + self.dim])

    def forward_shape(self, shape: Any) -> Size:
        return Size(shape)

    def inverse_shape(self, shape: Any) -> Size:
        return Size(shape)

"""The discrete cosine transform as a map."""

from __future__ import annotations

from typing import Any, cast

import torch
from torch import Size, Tensor
from torch.distributions.transforms import Transform

from virgil.distributions import constraints
from virgil.distributions.transforms.event_dims import checked_dim
from virgil.ops.cosine_transform import dct, idct

__all__ = ["DiscreteCosineTransform"]


class DiscreteCosineTransform(Transform):
    r"""The orthonormal discrete cosine transform of type II, with weights that make smooth series white.

    The coefficients :math:`c_k` of a series of length n are multiplied by
    :math:`w_k \propto (k + \tfrac12)^{\text{smooth}}`, whose product is 1, so the Jacobian is 1. A series is white
    noise where ``smooth`` is 0 and its image white; Brownian noise where it is 1; violet noise where it is -1.

    Source: Ahmed, Natarajan and Rao 1974, "Discrete Cosine Transform".

    Shape: the size of ``dim`` stays; the event has ``-dim`` dims.

    Args:
        dim: the negative dim along which it acts.
        smooth: the power of the frequency in the weights, any real number.
        cache_size: 1 to keep the last value and its image, 0 to keep none.

    Raises:
        ArgumentError: ``dim`` is no negative integer.

    >>> DiscreteCosineTransform()(torch.ones(4))
    tensor([2., 0., 0., 0.])
    """

    bijective = True

    def __init__(self, dim: int = -1, smooth: float = 0.0, cache_size: int = 0) -> None:
        super().__init__(cache_size=cache_size)
        self.dim = checked_dim(self, dim)
        self.smooth = float(smooth)

    @property
    def domain(self) -> constraints.Constraint:  # type: ignore[override]
        """Real tensors of ``-dim`` dims."""
        return cast(constraints.Constraint, constraints.independent(constraints.real, -self.dim))

    codomain = domain

    def __eq__(self, other: object) -> bool:
        return isinstance(other, DiscreteCosineTransform) and (self.dim, self.smooth) == (other.dim, other.smooth)

    __hash__ = Transform.__hash__

    def with_cache(self, cache_size: int = 1) -> DiscreteCosineTransform:
        """The same map with this size of cache."""
        return self if self._cache_size == cache_size else DiscreteCosineTransform(self.dim, self.smooth, cache_size)

    def _weights(self, like: Tensor) -> Tensor:
        frequencies = torch.arange(0.5, like.shape[self.dim], dtype=like.dtype, device=like.device)
        logs = frequencies.log()
        return ((logs - logs.mean()) * self.smooth).exp().reshape(-1, *(1,) * (-self.dim - 1))

    def _call(self, x: Tensor) -> Tensor:
        coefficients = dct(x, self.dim)
        return coefficients * self._weights(x) if self.smooth else coefficients

    def _inverse(self, y: Tensor) -> Tensor:
        return idct(y / self._weights(y) if self.smooth else y, self.dim)

    def log_abs_det_jacobian(self, x: Tensor, y: Tensor) -> Tensor:
        return x.new_zeros(x.shape[: x.dim() + self.dim])

    def forward_shape(self, shape: Any) -> Size:
        return Size(shape)

    def inverse_shape(self, shape: Any) -> Size:
        return Size(shape)

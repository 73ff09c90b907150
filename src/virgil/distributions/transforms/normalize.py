"""The projection of vectors onto the unit sphere."""

from __future__ import annotations

from typing import cast

import torch
from torch import Tensor
from torch.distributions.transforms import Transform

from virgil.distributions import constraints

__all__ = ["Normalize"]


class Normalize(Transform):
    """From a real vector to the vector of norm 1 with its direction; a projection, not a bijection.

    The zero vector has no direction; its image is ``[1, 0, ..., 0]``, with derivatives of zero.

    Shape: ``(*batch, n)`` to ``(*batch, n)``.

    Args:
        p: the order of the norm: 2 is Euclid's.
        cache_size: 1 to keep the last value and its image, 0 to keep none.

    >>> Normalize()(torch.tensor([[3.0, 4.0], [0.0, 0.0]]))
    tensor([[0.6000, 0.8000],
            [1.0000, 0.0000]])
    """

    domain = constraints.real_vector
    bijective = False

    def __init__(self, p: float = 2, cache_size: int = 0) -> None:
        super().__init__(cache_size=cache_size)
        self.p = p

    @property
    def codomain(self) -> constraints.Constraint:  # type: ignore[override]
        """Vectors of norm 1."""
        return cast(constraints.Constraint, constraints.sphere) if self.p == 2 else constraints.unit_norm(self.p)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Normalize) and self.p == other.p

    __hash__ = Transform.__hash__

    def with_cache(self, cache_size: int = 1) -> Normalize:
        """The same map with this size of cache."""
        return self if self._cache_size == cache_size else Normalize(self.p, cache_size)

    def _call(self, x: Tensor) -> Tensor:
        is_zero = (x == 0).all(-1, keepdim=True)
        pole = torch.zeros_like(x)
        pole[..., 0] = 1.0
        x = torch.where(is_zero, pole, x)
        norm: Tensor = torch.linalg.vector_norm(x, self.p, dim=-1, keepdim=True)
        return x / norm

    def _inverse(self, y: Tensor) -> Tensor:
        return y

"""The projection of vectors onto the unit sphere."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.distributions.transforms import Transform

from virgil.distributions import constraints

__all__ = ["NormalizeTransform"]


class NormalizeTransform(Transform):
    """From a nonzero real vector to the unit vector of its direction; a projection, not a bijection.

    Shape: ``(*batch, n)`` to ``(*batch, n)``.
    """

    domain = constraints.real_vector
    codomain = constraints.sphere
    bijective = False

    def __eq__(self, other: object) -> bool:
        return isinstance(other, NormalizeTransform)

    __hash__ = Transform.__hash__

    def _call(self, x: Tensor) -> Tensor:
        norm: Tensor = torch.linalg.vector_norm(x, dim=-1, keepdim=True)
        return x / norm

    def _inverse(self, y: Tensor) -> Tensor:
        return y

"""The unit sphere: vectors of Euclidean norm 1."""

from __future__ import annotations

from typing import cast

import torch
from torch import Tensor
from torch.distributions import constraints, transform_to
from torch.distributions.transforms import Transform

__all__ = ["NormalizeTransform", "sphere"]


class _Sphere(constraints.Constraint):
    event_dim = 1

    def check(self, value: Tensor) -> Tensor:
        # the norm of a rounded unit vector is off by up to the square root of its length in units of rounding
        tolerance = 10 * torch.finfo(value.dtype).eps * max(value.shape[-1], 1) ** 0.5
        norm: Tensor = torch.linalg.vector_norm(value, dim=-1)
        return cast(Tensor, (norm - 1).abs() < tolerance)


sphere = _Sphere()


class NormalizeTransform(Transform):
    """From a nonzero real vector to the unit vector of its direction; a projection, not a bijection."""

    domain = constraints.real_vector
    codomain = sphere
    bijective = False

    def __eq__(self, other: object) -> bool:
        return isinstance(other, NormalizeTransform)

    __hash__ = Transform.__hash__

    def _call(self, x: Tensor) -> Tensor:
        norm: Tensor = torch.linalg.vector_norm(x, dim=-1, keepdim=True)
        return x / norm

    def _inverse(self, y: Tensor) -> Tensor:
        return y


@transform_to.register(sphere)  # type: ignore[untyped-decorator]
def _to_sphere(constraint: constraints.Constraint) -> NormalizeTransform:
    return NormalizeTransform()

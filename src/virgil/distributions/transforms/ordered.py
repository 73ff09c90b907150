"""The map from real vectors to increasing ones."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.distributions.transforms import Transform

from virgil.distributions import constraints

__all__ = ["OrderedTransform"]


class OrderedTransform(Transform):
    r"""From a real vector to an increasing one: :math:`y_0 = x_0,\ y_i = y_{i-1} + e^{x_i}`.

    Shape: ``(*batch, n)`` to ``(*batch, n)``.
    """

    domain = constraints.real_vector
    codomain = constraints.ordered_vector
    bijective = True

    def __eq__(self, other: object) -> bool:
        return isinstance(other, OrderedTransform)

    __hash__ = Transform.__hash__

    def _call(self, x: Tensor) -> Tensor:
        return torch.cat([x[..., :1], x[..., 1:].exp()], -1).cumsum(-1)

    def _inverse(self, y: Tensor) -> Tensor:
        return torch.cat([y[..., :1], y.diff(dim=-1).log()], -1)

    def log_abs_det_jacobian(self, x: Tensor, y: Tensor) -> Tensor:
        return x[..., 1:].sum(-1)

"""The exponential linear unit as a map."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.distributions.transforms import Transform
from torch.nn import functional

from virgil.distributions import constraints

__all__ = ["ELUTransform", "elu"]


class ELUTransform(Transform):
    r"""The exponential linear unit :math:`y = x` for :math:`x \ge 0`, else :math:`y = e^x - 1`.

    Source: Clevert, Unterthiner and Hochreiter 2016, "Fast and Accurate Deep Network Learning by Exponential Linear
    Units", section 3.

    Shape: elementwise.

    Args:
        cache_size: 1 to keep the last value and its image, 0 to keep none.
    """

    domain = constraints.real
    codomain = constraints.greater_than(-1.0)
    bijective = True
    sign = +1

    def __eq__(self, other: object) -> bool:
        return isinstance(other, ELUTransform)

    __hash__ = Transform.__hash__

    def _call(self, x: Tensor) -> Tensor:
        return functional.elu(x)

    def _inverse(self, y: Tensor) -> Tensor:
        negative = y.clamp(max=0.0)  # what the other branch has may be no logarithm, and its derivative no number
        return torch.where(y >= 0, y, torch.log1p(negative))

    def log_abs_det_jacobian(self, x: Tensor, y: Tensor) -> Tensor:
        return x.clamp(max=0.0)


def elu() -> ELUTransform:
    """A new :class:`ELUTransform`."""
    return ELUTransform()

"""The leaky rectifier as a map."""

from __future__ import annotations

import math

import torch
from torch import Tensor
from torch.distributions.transforms import Transform

from virgil.distributions import constraints

__all__ = ["LeakyReLUTransform", "leaky_relu"]

_SLOPE = 0.01


class LeakyReLUTransform(Transform):
    r"""The leaky rectifier :math:`y = x` for :math:`x \ge 0`, else :math:`y = x / 100`.

    Source: Maas, Hannun and Ng 2013, "Rectifier Nonlinearities Improve Neural Network Acoustic Models", section 2.

    Shape: elementwise.

    Args:
        cache_size: 1 to keep the last value and its image, 0 to keep none.
    """

    domain = constraints.real
    codomain = constraints.real
    bijective = True
    sign = +1

    def __eq__(self, other: object) -> bool:
        return isinstance(other, LeakyReLUTransform)

    __hash__ = Transform.__hash__

    def _call(self, x: Tensor) -> Tensor:
        return torch.where(x >= 0, x, x * _SLOPE)

    def _inverse(self, y: Tensor) -> Tensor:
        return torch.where(y >= 0, y, y / _SLOPE)

    def log_abs_det_jacobian(self, x: Tensor, y: Tensor) -> Tensor:
        return (x < 0).to(x.dtype) * math.log(_SLOPE)


def leaky_relu() -> LeakyReLUTransform:
    """A new :class:`LeakyReLUTransform`."""
    return LeakyReLUTransform()

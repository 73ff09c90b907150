"""Powers of real numbers that keep the sign."""

from __future__ import annotations

from typing import Any

import torch
from torch import Size, Tensor
from torch.distributions.transforms import Transform

from virgil.distributions import constraints
from virgil.distributions.core.validation import resolve_validation
from virgil.errors import ArgumentError, shown
from virgil.ops.broadcast import broadcast_shapes

__all__ = ["PositivePowerTransform"]


class PositivePowerTransform(Transform):
    r"""A positive power of the absolute value with the sign of the number: :math:`y = \operatorname{sgn}(x)\, |x|^p`.

    Unlike ``PowerTransform`` it maps the whole line onto itself. The Jacobian :math:`p |x|^{p - 1}` is zero at the
    origin for :math:`p > 1` and infinite for :math:`p < 1`.

    Shape: elementwise; the exponent's shape broadcasts with that of the value.

    Args:
        exponent: :math:`p > 0`.
        cache_size: 1 to keep the last value and its image, 0 to keep none.
        validate_args: whether to check the exponent. Default: as distributions do.

    Raises:
        ArgumentError: an exponent is zero or negative.

    >>> PositivePowerTransform(2.0)(torch.tensor([-3.0, 0.0, 2.0]))
    tensor([-9.,  0.,  4.])
    """

    domain = constraints.real
    codomain = constraints.real
    bijective = True
    sign = +1

    def __init__(self, exponent: Tensor | float, *, cache_size: int = 0, validate_args: bool | None = None) -> None:
        super().__init__(cache_size=cache_size)
        self.exponent = exponent if isinstance(exponent, Tensor) else torch.tensor(exponent, dtype=torch.double)
        if resolve_validation(validate_args) and not (self.exponent > 0).all():
            raise ArgumentError(
                f"PositivePowerTransform got exponent={shown(exponent)}; it takes positive numbers. For other powers "
                "of positive numbers there is PowerTransform."
            )

    def __eq__(self, other: object) -> bool:
        return isinstance(other, PositivePowerTransform) and torch.equal(self.exponent, other.exponent)

    __hash__ = Transform.__hash__

    def with_cache(self, cache_size: int = 1) -> PositivePowerTransform:
        """The same map with this size of cache."""
        if self._cache_size == cache_size:
            return self
        return PositivePowerTransform(self.exponent, cache_size=cache_size, validate_args=False)

    def _call(self, x: Tensor) -> Tensor:
        return _signed_power(x, self.exponent)

    def _inverse(self, y: Tensor) -> Tensor:
        return _signed_power(y, self.exponent.reciprocal())

    def log_abs_det_jacobian(self, x: Tensor, y: Tensor) -> Tensor:
        return self.exponent.log() + torch.xlogy(self.exponent - 1, x.abs())

    def forward_shape(self, shape: Any) -> Size:
        return broadcast_shapes(shape, self.exponent.shape)

    def inverse_shape(self, shape: Any) -> Size:
        return broadcast_shapes(shape, self.exponent.shape)


def _signed_power(x: Tensor, exponent: Tensor) -> Tensor:
    return x.sign() * x.abs().pow(exponent)

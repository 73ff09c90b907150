"""The odd powers of real numbers."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.distributions import constraints
from torch.distributions.transforms import Transform

__all__ = ["OddPower"]


class OddPower(Transform):
    """``y = x**exponent`` for an odd whole number, which maps all real numbers one to one.

    Its log-derivative is ``log|n| + (n - 1) log|x|`` for the exponent n.

    Args:
        exponent: the exponent.
    """

    domain = constraints.real
    codomain = constraints.real
    bijective = True

    def __init__(self, exponent: int, cache_size: int = 0) -> None:
        super().__init__(cache_size=cache_size)
        self.exponent = exponent

    @property
    def sign(self) -> int:
        """1 where y grows with x; a negative exponent makes it fall on both sides of 0."""
        return 1 if self.exponent > 0 else -1

    def with_cache(self, cache_size: int = 1) -> OddPower:
        """The same map, with another size of its cache."""
        return self if self._cache_size == cache_size else OddPower(self.exponent, cache_size)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, OddPower) and self.exponent == other.exponent

    def __hash__(self) -> int:
        return hash((OddPower, self.exponent))

    def _call(self, x: Tensor) -> Tensor:
        return x**self.exponent

    def _inverse(self, y: Tensor) -> Tensor:
        return y.sign() * y.abs() ** (1.0 / self.exponent)

    def log_abs_det_jacobian(self, x: Tensor, y: Tensor) -> Tensor:
        factor = torch.as_tensor(abs(self.exponent), dtype=x.dtype, device=x.device)
        return factor.log() + (self.exponent - 1) * x.abs().log()

"""The Kumaraswamy distribution."""

from __future__ import annotations

import torch
from torch import Tensor
from torch import distributions as td

from virgil.distributions.core.shape_algebra import TorchDistributionMixin
from virgil.ops.double_precision import in_double

__all__ = ["Kumaraswamy"]


class Kumaraswamy(TorchDistributionMixin, td.Kumaraswamy):
    """A number in (0, 1) with distribution function ``1 - (1 - x**a)**b`` *(Kumaraswamy 1980)*.

    Shape: parameters ``(*batch,)``, event ``()``.

    Args:
        concentration1: a > 0.
        concentration0: b > 0.
    """

    def log_prob(self, value: Tensor) -> Tensor:
        if self._validate_args:
            self._validate_sample(value)
        return in_double(_log_prob, value, self.concentration1, self.concentration0)


def _log_prob(value: Tensor, a: Tensor, b: Tensor) -> Tensor:
    above = -torch.expm1(a * value.log())  # 1 - x**a, of which the difference would leave no digits near 1
    return a.log() + b.log() + torch.xlogy(a - 1, value) + torch.xlogy(b - 1, above)

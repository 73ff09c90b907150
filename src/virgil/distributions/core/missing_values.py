"""The real numbers and NaN, which stands for a value that is missing."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.distributions import constraints

__all__ = ["real_or_missing"]


def _check(value: Tensor) -> Tensor:
    return torch.ones_like(value, dtype=torch.bool)


def _real_or_missing() -> constraints.Constraint:
    # of torch's own class, by which maps and values inside are found
    constraint: constraints.Constraint = type(constraints.real)()
    constraint.check = _check  # type: ignore[method-assign]
    return constraint


real_or_missing = _real_or_missing()

"""The absolute value of any random number, bounded ones too."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch import distributions as td

from virgil.distributions import FoldedDistribution
from virgil.distributions.core.feasible_value import feasible_value

__all__ = ["Magnitude"]


class Magnitude(FoldedDistribution):
    """``|x|`` for x from ``base_dist``, with density ``p(y) + p(-y)``, where p is zero outside the support of x.

    Args:
        base_dist: a distribution of single real numbers.
    """

    def log_prob(self, value: Tensor) -> Tensor:
        if self._validate_args:
            self._validate_sample(value)
        value = value.expand(torch.broadcast_shapes(value.shape, self._batch_shape))
        positive, negative = _log_prob(self.base_dist, value), _log_prob(self.base_dist, -value)
        # the derivative of logaddexp is NaN where both are minus infinity
        possible = (positive > -torch.inf) | (negative > -torch.inf)
        both = torch.logaddexp(torch.where(possible, positive, 0.0), torch.where(possible, negative, 0.0))
        return torch.where(possible & (value >= 0), both, -torch.inf)


def _log_prob(fn: Any, value: Tensor) -> Tensor:
    """The log-density at any real number: minus infinity at those that ``fn`` cannot have."""
    inside, value = _inside(fn.support, value)
    if not isinstance(fn, td.TransformedDistribution):
        return torch.where(inside, fn.log_prob(value), -torch.inf)
    jacobian: Any = 0.0
    for transform in reversed(fn.transforms):
        within, value = _inside(transform.codomain, value)
        before = transform.inv(value)
        jacobian = jacobian + transform.log_abs_det_jacobian(before, value)
        inside, value = inside & within, before
    return torch.where(inside, _log_prob(fn.base_dist, value) - jacobian, -torch.inf)


def _inside(support: Any, value: Tensor) -> tuple[Tensor, Tensor]:
    """Where a set has the value, and the value, with a point of the set in place of those that it has not."""
    inside = support.check(value)
    filler = feasible_value(support, value.shape, dtype=value.dtype, device=value.device)
    return inside, torch.where(inside, value, filler)

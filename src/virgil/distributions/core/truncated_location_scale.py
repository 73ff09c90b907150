"""The ground of families of a location and a scale that are kept on an interval."""

from __future__ import annotations

from typing import Any, Self

import torch
from torch import Size, Tensor
from torch import distributions as td
from torch.distributions import constraints
from torch.distributions.utils import broadcast_all

from virgil.distributions.core.bounds import check_order, given_bound, interval_between
from virgil.distributions.core.shape_algebra import TorchDistributionMixin
from virgil.distributions.core.uniform_draws import open_unit_interval
from virgil.ops.sizes import Sizes

__all__ = ["TruncatedLocationScale"]

_PARAMETERS = ("loc", "scale", "low", "high")


class TruncatedLocationScale(TorchDistributionMixin):
    """Abstract base: parameters, bounds and draws. A subclass has ``log_prob``, ``cdf``, ``icdf`` and moments.

    ``low`` and ``high`` are tensors, minus and plus infinity where they are not given.
    """

    arg_constraints = {
        "loc": constraints.real,
        "scale": constraints.positive,
        "low": constraints.real,
        "high": constraints.real,
    }
    has_rsample = True

    def __init__(
        self,
        loc: Tensor | float = 0.0,
        scale: Tensor | float = 1.0,
        low: Tensor | float | None = None,
        high: Tensor | float | None = None,
        validate_args: bool | None = None,
    ) -> None:
        self._is_bounded = (low is not None, high is not None)
        loc, scale = broadcast_all(loc, scale)
        bounds = given_bound(low, -torch.inf, loc), given_bound(high, torch.inf, loc)
        self.loc, self.scale, self.low, self.high = torch.broadcast_tensors(loc, scale, *bounds)
        super().__init__(self.loc.shape, validate_args=validate_args)
        if self._validate_args:
            check_order(self, self.low, self.high)

    def expand(self, batch_shape: Sizes, _instance: Any = None) -> Self:
        new = self._get_checked_instance(type(self), _instance)
        new._is_bounded = self._is_bounded
        for name in _PARAMETERS:
            setattr(new, name, getattr(self, name).expand(batch_shape))
        td.Distribution.__init__(new, Size(batch_shape), validate_args=False)
        new._validate_args = self._validate_args
        return new

    @constraints.dependent_property(is_discrete=False, event_dim=0)
    def support(self) -> constraints.Constraint:
        has_low, has_high = self._is_bounded
        return interval_between(self.low if has_low else None, self.high if has_high else None)

    def rsample(self, sample_shape: Sizes = Size()) -> Tensor:
        return self.icdf(open_unit_interval(self.shape(sample_shape), self.loc))

    @property
    def mode(self) -> Tensor:
        return torch.minimum(torch.maximum(self.loc, self.low), self.high)

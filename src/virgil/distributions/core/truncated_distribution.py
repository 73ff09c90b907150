"""The ground of distributions that keep another one on an interval."""

from __future__ import annotations

from typing import Any, Self, cast

import torch
from torch import Size, Tensor
from torch import distributions as td
from torch.distributions import constraints

from virgil.distributions.core.bounds import check_order, given_bounds, interval_between
from virgil.distributions.core.moments_of_quantiles import quantile_nodes
from virgil.distributions.core.shape_algebra import TorchDistributionMixin, expanded
from virgil.distributions.core.tails import tails_of
from virgil.distributions.core.uniform_draws import open_unit_interval
from virgil.errors import ArgumentError, ShapeError
from virgil.ops.broadcast import broadcast_shapes
from virgil.ops.sizes import Sizes

__all__ = ["TruncatedDistribution"]


class TruncatedDistribution(TorchDistributionMixin):
    """Abstract base: a subclass has a constructor that says which bounds there are.

    ``low`` and ``high`` are tensors, minus and plus infinity where there is no bound.
    """

    arg_constraints: dict[str, constraints.Constraint] = {"low": constraints.real, "high": constraints.real}
    has_rsample = True
    low: Tensor
    high: Tensor

    def __init__(
        self,
        base_dist: td.Distribution,
        low: Tensor | float | None,
        high: Tensor | float | None,
        validate_args: bool | None,
    ) -> None:
        name, support = type(self).__name__, cast(constraints.Constraint, base_dist.support)
        if base_dist.event_shape:
            raise ShapeError(
                f"{name} got {type(base_dist).__name__} of event_shape {tuple(base_dist.event_shape)}; it takes "
                "distributions of single numbers. Truncate first, then call to_event."
            )
        if support.is_discrete:
            raise ArgumentError(
                f"{name} got {type(base_dist).__name__}, whose values are discrete; it takes continuous ones."
            )
        self._is_bounded = (low is not None, high is not None)
        low, high = given_bounds(low, high, base_dist)
        shape = Size(broadcast_shapes(base_dist.batch_shape, low.shape, high.shape))
        self.base_dist = base_dist if base_dist.batch_shape == shape else expanded(base_dist, shape)
        self.low, self.high = low.expand(shape), high.expand(shape)
        super().__init__(shape, validate_args=validate_args)
        if self._validate_args:
            check_order(self, self.low, self.high)

    def expand(self, batch_shape: Sizes, _instance: Any = None) -> Self:
        new = self._get_checked_instance(type(self), _instance)
        new._is_bounded = self._is_bounded
        new.base_dist = expanded(self.base_dist, batch_shape)
        new.low, new.high = self.low.expand(batch_shape), self.high.expand(batch_shape)
        td.Distribution.__init__(new, Size(batch_shape), validate_args=False)
        new._validate_args = self._validate_args
        return new

    @constraints.dependent_property(is_discrete=False, event_dim=0)
    def support(self) -> constraints.Constraint:
        has_low, has_high = self._is_bounded
        base: Any = self.base_dist.support
        low, high = getattr(base, "lower_bound", None), getattr(base, "upper_bound", None)
        if has_low:
            low = self.low if low is None else self.low.clamp_min(low)
        if has_high:
            high = self.high if high is None else self.high.clamp_max(high)
        return base if not has_low and not has_high else interval_between(low, high)

    def rsample(self, sample_shape: Sizes = Size()) -> Tensor:
        return self.icdf(open_unit_interval(self.shape(sample_shape), self.low))

    def log_prob(self, value: Tensor) -> Tensor:
        if self._validate_args:
            self._validate_sample(value)
        inside = (value >= self.low) & (value <= self.high)
        return torch.where(inside, self.base_dist.log_prob(value) - self._log_mass(self.low, self.high), -torch.inf)

    def cdf(self, value: Tensor) -> Tensor:
        value = torch.minimum(torch.maximum(value, self.low), self.high)
        return (self._log_mass(self.low, value, (True, True)) - self._log_mass(self.low, self.high)).exp()

    @property
    def mean(self) -> Tensor:
        """By the quantiles; to about ten digits. It is the base's where that has no mean and a bound is missing."""
        x, weights = self._nodes()
        return self._where_finite((weights * x).sum(0), "mean")

    @property
    def variance(self) -> Tensor:
        x, weights = self._nodes()
        mean = (weights * x).sum(0)
        return self._where_finite((weights * (x - mean).square()).sum(0), "variance")

    def log_mass(self) -> Tensor:
        """The logarithm of the share of the base that lies on the interval."""
        return self._log_mass(self.low, self.high)

    def entropy(self) -> Tensor:
        x, weights = self._nodes()
        log_mass = self.log_mass()
        return (log_mass - (weights * self.base_dist.log_prob(x)).sum(0)).to(self.low.dtype)

    def _nodes(self) -> tuple[Tensor, Tensor]:
        return quantile_nodes(self._quantile, self.low)

    def _where_finite(self, moment: Tensor, name: str) -> Tensor:
        moment = moment.to(self.low.dtype)
        if all(self._is_bounded):
            finite = self.low.isfinite() & self.high.isfinite()
        else:
            finite = torch.zeros_like(self.low, dtype=torch.bool)
        of_base = getattr(self.base_dist, name)
        return torch.where(finite | of_base.isfinite(), moment, of_base)

    def icdf(self, value: Tensor) -> Tensor:
        return self._quantile(value, 1 - value)

    def _quantile(self, value: Tensor, rest: Tensor) -> Tensor:
        """The value with this mass below it, and this one above."""
        tails = tails_of(self.base_dist)
        low, high = self._tails(self.low, -torch.inf), self._tails(self.high, torch.inf)
        below = rest * low[0].exp() + value * high[0].exp()
        above = rest * low[1].exp() + value * high[1].exp()
        is_below = below < 0.5
        tiny = torch.finfo(value.dtype).tiny
        from_below = tails.from_below(self.base_dist, torch.where(is_below, below, 0.5).clamp_min(tiny))
        from_above = tails.from_above(self.base_dist, torch.where(is_below, 0.5, above).clamp_min(tiny))
        x = torch.where(is_below, from_below, from_above)
        inside = torch.minimum(torch.maximum(x.detach(), self.low), self.high)
        return x + (inside - x).detach()  # rounding puts no draw outside, nor takes its derivative

    def _tails(self, value: Tensor, infinity: float) -> tuple[Tensor, Tensor]:
        """The logarithms of the mass below and above a value, which may be infinite with this sign."""
        infinite = value.isinf()
        finite = torch.where(infinite, 0.0, value)
        formulas = tails_of(self.base_dist)
        certain = 0.0 if infinity < 0 else -torch.inf
        impossible = -torch.inf if infinity < 0 else 0.0
        return (
            torch.where(infinite, impossible, formulas.log_below(self.base_dist, finite)),
            torch.where(infinite, certain, formulas.log_above(self.base_dist, finite)),
        )

    def _log_mass(self, low: Tensor, high: Tensor, is_bounded: tuple[bool, bool] | None = None) -> Tensor:
        """The logarithm of the mass between two values: a difference in the tail where it is smaller."""
        has_low, has_high = self._is_bounded if is_bounded is None else is_bounded
        below_low, above_low = self._tails(low, -torch.inf)
        if not has_high:
            return above_low
        below_high, above_high = self._tails(high, torch.inf)
        if not has_low:
            return below_high
        in_upper = above_low < below_high
        more, less = torch.where(in_upper, above_low, below_high), torch.where(in_upper, above_high, below_low)
        possible = (less > -torch.inf) & (less < more)
        ratio = torch.where(possible, less, -1.0) - torch.where(possible, more, 0.0)
        rest = torch.where(possible, (-torch.expm1(ratio)).log(), 0.0)
        return torch.where(less < more, more + rest, -torch.inf)

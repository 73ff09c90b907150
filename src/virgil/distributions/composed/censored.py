"""A distribution of which values beyond a bound are known only to lie there."""

from __future__ import annotations

from typing import Any, Self

import torch
from torch import Size, Tensor
from torch import distributions as td
from torch.distributions import constraints

from virgil.distributions.core.bounds import check_order, given_bounds
from virgil.distributions.core.feasible_value import feasible_value
from virgil.distributions.core.shape_algebra import TorchDistributionMixin, expanded
from virgil.distributions.core.tails import tails_of
from virgil.distributions.core.truncated_distribution import TruncatedDistribution
from virgil.errors import ShapeError
from virgil.ops.broadcast import broadcast_shapes
from virgil.ops.sizes import Sizes

__all__ = ["Censored"]


class Censored(TorchDistributionMixin):
    """A number from ``base_dist`` that a meter with a limited range reads: ``low`` stands for all that is not above it.

    A value between the bounds has the density of ``base_dist``, a value at or beyond a bound the mass of the tail:
    ``P(X <= low)`` or ``P(X >= high)`` *(Tobin 1958)*. It is the likelihood of readings outside a range of detection,
    and of times to an event that had not come when a study ended. Masses keep their digits for torch's families and
    `Logistic`; of another one they are ``cdf`` and ``1 - cdf`` as computed. Draws are those of ``base_dist``, clamped,
    with their pathwise derivative. Shape: ``(*batch,)``, event ``()``.

    Args:
        base_dist: a distribution of single numbers with ``cdf``, or `Poisson` or `Geometric`.
        low: the lower bound; minus infinity, for all entries or some, where there is none. Shape: broadcasts with the
            batch of ``base_dist``.
        high: the upper bound, > low; infinity where there is none. Shape: broadcasts as well.

    Raises:
        ShapeError: the events of ``base_dist`` are not single numbers.
        ArgumentError: ``low`` is not below ``high``.

    >>> import torch, virgil.distributions as dist
    >>> ended = torch.tensor([5.0, 2.0, 5.0])  # each patient's time in the study
    >>> times = torch.tensor([3.0, 2.0, 5.0])  # the second and the third had no event
    >>> Censored(dist.Exponential(0.5), high=ended).log_prob(times)
    tensor([-2.1931, -1.0000, -2.5000])
    """

    arg_constraints: dict[str, constraints.Constraint] = {"low": constraints.real, "high": constraints.real}
    low: Tensor
    high: Tensor

    def __init__(
        self,
        base_dist: td.Distribution,
        low: Tensor | float | None = None,
        high: Tensor | float | None = None,
        *,
        validate_args: bool | None = None,
    ) -> None:
        if base_dist.event_shape:
            raise ShapeError(
                f"Censored got {type(base_dist).__name__} of event_shape {tuple(base_dist.event_shape)}; it takes "
                "distributions of single numbers. Censor first, then call to_event."
            )
        low, high = given_bounds(low, high, base_dist)
        shape = Size(broadcast_shapes(base_dist.batch_shape, low.shape, high.shape))
        self.base_dist = base_dist if base_dist.batch_shape == shape else expanded(base_dist, shape)
        self.low, self.high = low.expand(shape), high.expand(shape)
        super().__init__(shape, validate_args=validate_args)
        if self._validate_args:
            check_order(self, self.low, self.high)

    def expand(self, batch_shape: Sizes, _instance: Any = None) -> Self:
        new = self._get_checked_instance(Censored, _instance)
        new.base_dist = expanded(self.base_dist, batch_shape)
        new.low, new.high = self.low.expand(batch_shape), self.high.expand(batch_shape)
        super(Censored, new).__init__(Size(batch_shape), validate_args=False)
        new._validate_args = self._validate_args
        return new

    @constraints.dependent_property(event_dim=0)
    def support(self) -> Any:
        """The support of ``base_dist``: a value beyond a bound stands for the bound."""
        return self.base_dist.support

    @property
    def has_rsample(self) -> bool:  # type: ignore[override]
        return self.base_dist.has_rsample

    def sample(self, sample_shape: Sizes = Size()) -> Tensor:
        with torch.no_grad():
            return self._clamped(self.base_dist.sample(sample_shape))

    def rsample(self, sample_shape: Sizes = Size()) -> Tensor:
        return self._clamped(self.base_dist.rsample(sample_shape))

    def _clamped(self, value: Tensor) -> Tensor:
        low, high = self.low.to(value.dtype), self.high.to(value.dtype)
        return torch.minimum(torch.maximum(value, low), high)

    def log_prob(self, value: Tensor) -> Tensor:
        if self._validate_args:
            self._validate_sample(value)
        tails, base = tails_of(self.base_dist), self.base_dist
        is_low, is_high = value <= self.low, value >= self.high
        shape = broadcast_shapes(value.shape, self._batch_shape)
        filler = feasible_value(self.support, shape, dtype=value.dtype, device=value.device)
        density = base.log_prob(torch.where(is_low | is_high, filler, value))
        # of a count, P(X >= high) is P(X > high - 1)
        below_high = self.high.ceil() - 1 if self.support.is_discrete else self.high
        mass_low, mass_high = tails.log_below(base, _finite(self.low)), tails.log_above(base, _finite(below_high))
        return torch.where(is_low, mass_low, torch.where(is_high, mass_high, density))

    @property
    def mean(self) -> Tensor:
        """Of a continuous base with quantiles, to about ten digits."""
        inner, share = self._inner()
        low, high = self._masses()
        return low * _finite(self.low) + high * _finite(self.high) + share * inner.mean

    @property
    def variance(self) -> Tensor:
        inner, share = self._inner()
        low, high = self._masses()
        mean = self.mean
        off = (inner.mean - mean).square() + inner.variance
        return low * (_finite(self.low) - mean).square() + high * (_finite(self.high) - mean).square() + share * off

    def _masses(self) -> tuple[Tensor, Tensor]:
        """The masses at both bounds."""
        tails = tails_of(self.base_dist)
        low = tails.log_below(self.base_dist, _finite(self.low)).exp()
        high = tails.log_above(self.base_dist, _finite(self.high)).exp()
        return torch.where(self.low.isinf(), 0.0, low), torch.where(self.high.isinf(), 0.0, high)

    def _inner(self) -> tuple[TruncatedDistribution, Tensor]:
        """The distribution between the bounds, and its share."""
        if self.support.is_discrete:
            raise NotImplementedError(f"Moments of Censored({type(self.base_dist).__name__}) are not known.")
        inner = TruncatedDistribution(self.base_dist, self.low, self.high, validate_args=False)
        return inner, inner.log_mass().exp()

    def cdf(self, value: Tensor) -> Tensor:
        below = tails_of(self.base_dist).log_below(self.base_dist, self._clamped(value)).exp()
        return torch.where(value >= self.high, 1.0, torch.where(value < self.low, 0.0, below))


def _finite(bound: Tensor) -> Tensor:
    """The bound; where there is none, a number in its place of which no value is beyond."""
    return torch.where(bound.isinf(), 0.0, bound)

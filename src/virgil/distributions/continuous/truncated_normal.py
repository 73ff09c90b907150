"""The normal distribution on an interval."""

from __future__ import annotations

import torch
from torch import Tensor

from virgil.distributions.core.divergence import divergence
from virgil.distributions.core.truncated_location_scale import TruncatedLocationScale
from virgil.ops.double_precision import in_double
from virgil.ops.normal_interval import FAR, NormalInterval

__all__ = ["TruncatedNormal"]


class TruncatedNormal(TruncatedLocationScale):
    """A normal number that is known to lie between ``low`` and ``high``.

    The density is ``normal(x) / (normal_cdf(high) - normal_cdf(low))`` on the interval *(Johnson, Kotz and Balakrishnan
    1994, section 13.10.1)*. It keeps its digits where the interval lies thousands of standard deviations out, and draws
    are quantiles, with first derivatives by all parameters. Shape: parameters ``(*batch,)``, event ``()``.

    Args:
        loc: mean of the normal.
        scale: standard deviation of the normal, > 0.
        low: lower bound; minus infinity if not given.
        high: upper bound, > low; infinity if not given.

    Raises:
        ArgumentError: ``low`` is not below ``high``.

    >>> fn = TruncatedNormal(0.0, 1.0, low=38.0)
    >>> fn.log_prob(torch.tensor(38.5)), fn.mean
    (tensor(-15.4867), tensor(38.0263))
    """

    def log_prob(self, value: Tensor) -> Tensor:
        if self._validate_args:
            self._validate_sample(value)
        density = in_double(_log_prob, value, self.loc, self.scale, self.low, self.high)
        return torch.where((value >= self.low) & (value <= self.high), density, -torch.inf)

    def cdf(self, value: Tensor) -> Tensor:
        return in_double(_cdf, value, self.loc, self.scale, self.low, self.high)

    def icdf(self, value: Tensor) -> Tensor:
        return in_double(_icdf, value, self.loc, self.scale, self.low, self.high)

    def entropy(self) -> Tensor:
        return in_double(_entropy, self.loc, self.scale, self.low, self.high)

    @property
    def mean(self) -> Tensor:
        return in_double(_mean, self.loc, self.scale, self.low, self.high)

    @property
    def variance(self) -> Tensor:
        return in_double(_variance, self.loc, self.scale, self.low, self.high)


def _interval(loc: Tensor, scale: Tensor, low: Tensor, high: Tensor) -> NormalInterval:
    low, high = low.clamp(-FAR, FAR), high.clamp(-FAR, FAR)
    return NormalInterval((low - loc) / scale, (high - loc) / scale, (high - low) / scale)


def _from_anchor(interval: NormalInterval, low: Tensor, loc: Tensor, high: Tensor) -> tuple[Tensor, Tensor]:
    """The anchor as a real number, and the sign of the direction in which distances from it are counted."""
    sign = torch.where(interval.is_turned, -1.0, 1.0).to(loc.dtype)
    end = torch.where(interval.is_turned, high.clamp(-FAR, FAR), low.clamp(-FAR, FAR))
    return torch.where(interval.in_tail, end, loc), sign


def _log_prob(value: Tensor, loc: Tensor, scale: Tensor, low: Tensor, high: Tensor) -> Tensor:
    interval = _interval(loc, scale, low, high)
    origin, sign = _from_anchor(interval, low, loc, high)
    distance = sign * (value - origin) / scale
    return -distance * (distance / 2 + interval.anchor) - scale.log() - interval.ratio.log()


def _cdf(value: Tensor, loc: Tensor, scale: Tensor, low: Tensor, high: Tensor) -> Tensor:
    value, low, high, loc, scale = torch.broadcast_tensors(value, low, high, loc, scale)
    value = torch.minimum(torch.maximum(value, low), high)
    whole, part = _interval(loc, scale, low, high), _interval(loc, scale, low, value)
    between = (part.anchor - whole.anchor) * (part.anchor + whole.anchor) / 2
    return (-between).exp() * part.ratio / whole.ratio


def _icdf(share: Tensor, loc: Tensor, scale: Tensor, low: Tensor, high: Tensor) -> Tensor:
    interval = _interval(loc, scale, low, high)
    origin, sign = _from_anchor(interval, low, loc, high)
    turned = interval.is_turned
    distance = interval.quantile(torch.where(turned, 1 - share, share), torch.where(turned, share, 1 - share))
    x = origin + sign * scale * distance
    inside = torch.minimum(torch.maximum(x.detach(), low), high)
    return x + (inside - x).detach()  # rounding puts no draw outside, nor takes its derivative


def _mean(loc: Tensor, scale: Tensor, low: Tensor, high: Tensor) -> Tensor:
    interval = _interval(loc, scale, low, high)
    origin, sign = _from_anchor(interval, low, loc, high)
    return origin + sign * scale * (interval.moments().mean - interval.anchor)


def _variance(loc: Tensor, scale: Tensor, low: Tensor, high: Tensor) -> Tensor:
    return scale.square() * _interval(loc, scale, low, high).moments().variance


def _entropy(loc: Tensor, scale: Tensor, low: Tensor, high: Tensor) -> Tensor:
    interval = _interval(loc, scale, low, high)
    return interval.moments().excess / 2 + scale.log() + interval.ratio.log()


@divergence(TruncatedNormal, TruncatedNormal)
def _kl_truncated_normal(p: TruncatedNormal, q: TruncatedNormal) -> Tensor:
    found = in_double(_cross_entropy, p.mean, p.variance, q.loc, q.scale, q.low, q.high) - p.entropy()
    return torch.where((p.low >= q.low) & (p.high <= q.high), found, torch.inf)


def _cross_entropy(mean: Tensor, variance: Tensor, loc: Tensor, scale: Tensor, low: Tensor, high: Tensor) -> Tensor:
    interval = _interval(loc, scale, low, high)
    origin, sign = _from_anchor(interval, low, loc, high)
    distance = sign * (mean - origin) / scale
    squares = distance.square() + variance / scale.square()
    return squares / 2 + distance * interval.anchor + scale.log() + interval.ratio.log()

"""The Cauchy distribution on an interval."""

from __future__ import annotations

import torch
from torch import Tensor

from virgil.distributions.core.truncated_location_scale import TruncatedLocationScale
from virgil.ops.double_precision import in_double

__all__ = ["TruncatedCauchy"]

_FAR = 1e60  # stands for infinity: beyond any bound that matters, with a finite square


class TruncatedCauchy(TruncatedLocationScale):
    """A Cauchy number that is known to lie between ``low`` and ``high``.

    The density is ``cauchy(x) / (cauchy_cdf(high) - cauchy_cdf(low))`` on the interval *(Nadarajah and Kotz 2006)*. It
    keeps its digits far in the tails, and draws are quantiles, with derivatives by all parameters. Mean and variance
    exist if both bounds are finite. Shape: parameters ``(*batch,)``, event ``()``.

    Args:
        loc: median of the Cauchy distribution.
        scale: half the distance between its quartiles, > 0.
        low: lower bound; minus infinity if not given.
        high: upper bound, > low; infinity if not given.

    Raises:
        ArgumentError: ``low`` is not below ``high``.

    >>> fn = TruncatedCauchy(0.0, 1.0, low=-1.0, high=1.0)
    >>> fn.cdf(torch.tensor(0.0)), fn.log_prob(torch.tensor(0.0)).exp()
    (tensor(0.5000), tensor(0.6366))
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

    @property
    def mean(self) -> Tensor:
        return torch.where(self._is_finite(), in_double(_mean, self.loc, self.scale, self.low, self.high), torch.nan)

    @property
    def variance(self) -> Tensor:
        variance = in_double(_variance, self.loc, self.scale, self.low, self.high)
        return torch.where(self._is_finite(), variance, torch.nan)

    def _is_finite(self) -> Tensor:
        return torch.isfinite(self.low) & torch.isfinite(self.high)


def _ends(loc: Tensor, scale: Tensor, low: Tensor, high: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Both bounds in units of the scale, and the angle between them as seen from one unit beside the location."""
    low, high = low.clamp(-_FAR, _FAR), high.clamp(-_FAR, _FAR)
    a, b = (low - loc) / scale, (high - loc) / scale
    return a, b, torch.atan2((high - low) / scale, 1 + a * b)


def _log_prob(value: Tensor, loc: Tensor, scale: Tensor, low: Tensor, high: Tensor) -> Tensor:
    _, _, angle = _ends(loc, scale, low, high)
    return scale.log() - 2 * torch.hypot(value - loc, scale).log() - angle.log()


def _cdf(value: Tensor, loc: Tensor, scale: Tensor, low: Tensor, high: Tensor) -> Tensor:
    value, low, high, loc, scale = torch.broadcast_tensors(value, low, high, loc, scale)
    value = torch.minimum(torch.maximum(value, low), high)
    _, _, whole = _ends(loc, scale, low, high)
    _, _, part = _ends(loc, scale, low, value)
    return part / whole


def _icdf(share: Tensor, loc: Tensor, scale: Tensor, low: Tensor, high: Tensor) -> Tensor:
    """The addition theorem of the tangent, from the end that is nearer in angle: nothing cancels."""
    a, b, angle = _ends(loc, scale, low, high)
    from_low = torch.tan(share.clamp_max(0.5) * angle)
    from_high = torch.tan((1 - share).clamp_max(0.5) * angle)
    z = torch.where(share < 0.5, (a + from_low) / (1 - a * from_low), (b - from_high) / (1 + b * from_high))
    x = loc + scale * z
    inside = torch.minimum(torch.maximum(x.detach(), low), high)
    return x + (inside - x).detach()  # rounding puts no draw outside, nor takes its derivative


def _mean(loc: Tensor, scale: Tensor, low: Tensor, high: Tensor) -> Tensor:
    a, b, angle = _ends(loc, scale, low, high)
    return loc + scale * _average(a, b, angle)


def _average(a: Tensor, b: Tensor, angle: Tensor) -> Tensor:
    return torch.log1p((b - a) * (b + a) / (1 + a.square())) / (2 * angle)


def _variance(loc: Tensor, scale: Tensor, low: Tensor, high: Tensor) -> Tensor:
    a, b, angle = _ends(loc, scale, low, high)
    return scale.square() * ((b - a) / angle - 1 - _average(a, b, angle).square())

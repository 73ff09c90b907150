"""The standard normal distribution on an interval: mass, moments and quantiles that keep their digits in the tails.

An interval is turned so that its end nearer to zero comes first. Where that end is positive the interval lies in a
tail, and densities are taken relative to the one at this end, which may be smaller than any number. Bounds are finite:
``FAR`` stands for infinity. All formulas are for double precision.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

__all__ = ["FAR", "NormalInterval"]

FAR = 1e60  # beyond any bound that matters, and with a finite square also when divided by a scale
_ROOT_HALF, _ROOT_HALF_PI = math.sqrt(0.5), math.sqrt(math.pi / 2)
_DEPTH = 40.0  # what is exp(-40) times less likely than the likeliest point does not count for moments
_REACH = 10.0  # standard deviations from zero beyond which nothing counts for them
_STEPS = 6  # of Newton's method, which begins near its end


def _mills(x: Tensor) -> Tensor:
    """The mass above x divided by the density at x, for x >= 0."""
    scaled: Tensor = torch.special.erfcx(_ROOT_HALF * x)
    return _ROOT_HALF_PI * scaled


def _rule(count: int, like: Tensor) -> tuple[Tensor, Tensor]:
    """Points and weights of Gauss and Legendre for integrals over the unit interval."""
    points, weights = np.polynomial.legendre.leggauss(count)
    return torch.from_numpy((points + 1) / 2).to(like), torch.from_numpy(weights / 2).to(like)


class Moments(NamedTuple):
    """Mean, variance, and the mean square less that of the anchor, each along the turned interval."""

    mean: Tensor
    variance: Tensor
    excess: Tensor


class NormalInterval:
    """An interval of standard normal numbers.

    Attributes:
        is_turned: true where the sign is changed, since the upper end is nearer to zero.
        in_tail: true where zero is not inside.
        near: the end nearer to zero, after the change of sign; negative where zero is inside.
        far: the other end.
        anchor: the point of the interval where the density is largest.
        ratio: the mass divided by the density at the anchor.

    Args:
        low: the lower end, finite. Shape: ``(*batch,)``.
        high: the upper end.
        width: ``high - low``, which is given because it has more digits than the difference has.
    """

    def __init__(self, low: Tensor, high: Tensor, width: Tensor) -> None:
        self.is_turned = low + high < 0
        self.near, self.far = torch.where(self.is_turned, -high, low), torch.where(self.is_turned, -low, high)
        self.anchor, self.in_tail, self.width = self.near.clamp_min(0.0), self.near > 0, width
        self._above_near = _mills(self.anchor)
        # relative to the density at the near end
        self._above_far = (-width * (self.near + self.far) / 2).exp() * _mills(self.far)
        around_zero = _ROOT_HALF_PI * (torch.erf(_ROOT_HALF * self.far) - torch.erf(_ROOT_HALF * self.near))
        self.ratio = torch.where(self.in_tail, self._ratio_in_tail(), around_zero)

    def _ratio_in_tail(self) -> Tensor:
        """The difference of two tails, and where these are almost the same, eight points of the density."""
        is_narrow = self.width * (self.anchor + self.width / 2) < 1
        width = torch.where(is_narrow, self.width, 0.0)
        points, weights = _rule(8, width)
        steps = width.unsqueeze(-1) * points
        narrow = width * ((-steps * (self.anchor.unsqueeze(-1) + steps / 2)).exp() * weights).sum(-1)
        return torch.where(is_narrow, narrow, self._above_near - self._above_far)

    def moments(self) -> Moments:
        """By 48 points, as closed forms lose their digits in the tails and on narrow intervals."""
        start = self.near.clamp_min(-_REACH)
        in_tail = 2 * _DEPTH / (self.anchor + (self.anchor.square() + 2 * _DEPTH).sqrt())
        length = torch.minimum(self.far - start, torch.where(self.in_tail, in_tail, _REACH - start))
        length = torch.where(self.in_tail, torch.minimum(self.width, length), length)
        points, weights = _rule(48, length)
        steps = length.unsqueeze(-1) * points
        masses = (-steps * (start.unsqueeze(-1) + steps / 2)).exp() * weights
        masses = masses / masses.sum(-1, keepdim=True)
        offset = (masses * steps).sum(-1)
        variance = (masses * (steps - offset.unsqueeze(-1)).square()).sum(-1)
        mean, above = start + offset, start - self.anchor + offset
        return Moments(mean, variance, variance + above * (mean + self.anchor))

    def quantile(self, share: Tensor, rest: Tensor) -> Tensor:
        """The point with ``share`` of the mass between it and the near end, as its distance from the anchor.

        It has first derivatives by both ends and by ``share``: those of the implicit function.

        Args:
            share: in (0, 1).
            rest: ``1 - share``, which is given because it has more digits than the difference has.
        """
        with torch.no_grad():
            distance = torch.where(self.in_tail, self._distance_in_tail(share, rest), self._around_zero(share, rest))
            point = self.anchor + distance
            above = distance * (distance + 2 * self.anchor) / 2  # logarithm of the anchor's density over the point's
            by_near = rest * (above - (self.near - self.anchor) * (self.near + self.anchor) / 2).exp()
            by_far = share * (-(self.far - point) * (self.far + point) / 2).exp()
            by_share = self.ratio * above.exp()
        moved = by_near * _change(self.near) + by_far * _change(self.far) + by_share * _change(share)
        return distance + moved - _change(self.anchor)

    def _distance_in_tail(self, share: Tensor, rest: Tensor) -> Tensor:
        """Newton's method on the logarithm of the mass above, which is concave, from a bound on the solution."""
        above = self._above_far / self._above_near
        depth = torch.where(
            share < 0.5,
            -torch.log1p(-share * self.ratio / self._above_near),
            -(rest + share * torch.where(self.in_tail, above, 1.0)).log(),
        )
        distance = 2 * depth / (self.anchor + (self.anchor.square() + 2 * depth).sqrt())
        for _ in range(_STEPS):
            mills = _mills(self.anchor + distance)
            reached = distance * (self.anchor + distance / 2) - (mills / self._above_near).log()
            distance = (distance - (reached - depth) * mills).clamp_min(0.0)
        return torch.minimum(distance, self.width)

    def _around_zero(self, share: Tensor, rest: Tensor) -> Tensor:
        """By the tail in which the quantile lies."""
        near, far = _ROOT_HALF * self.near, _ROOT_HALF * self.far
        below = (rest * torch.erfc(-near) + share * torch.erfc(-far)) / 2
        above = (rest * torch.erfc(near) + share * torch.erfc(far)) / 2
        return torch.where(below < 0.5, torch.special.ndtri(below), -torch.special.ndtri(above))


def _change(x: Tensor) -> Tensor:
    """Zero, with a derivative of one by x."""
    return x - x.detach()

"""Monotone rational splines on an interval, the identity outside of it."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn.functional import pad

__all__ = ["linear_rational_spline", "quadratic_rational_spline"]

# Bins, slopes and shares of a bin's halves stay above these, so that the logarithms of slopes stay in bounds.
_LEAST_SHARE, _LEAST_SLOPE, _LEAST_HALF = 1e-3, 1e-3, 0.025


class _Bin(NamedTuple):
    """The bin in which a point lies: its ends, their images, the slopes there, and the share of its first half."""

    left: Tensor
    right: Tensor
    bottom: Tensor
    top: Tensor
    left_slope: Tensor
    right_slope: Tensor
    half: Tensor


def linear_rational_spline(
    x: Tensor, widths: Tensor, heights: Tensor, slopes: Tensor, halves: Tensor, bound: float, inverse: bool = False
) -> tuple[Tensor, Tensor]:
    r"""A spline of pieces that are ratios of linear functions, and the logarithm of its slope.

    Each bin is cut in two. On a piece from :math:`(x_a, y_a)` to :math:`(x_b, y_b)` whose ends have the weights
    :math:`w_a` and :math:`w_b`, at the share :math:`t = (x - x_a) / (x_b - x_a)` of its width,

    .. math:: y = \frac{w_a y_a (1 - t) + w_b y_b t}{w_a (1 - t) + w_b t}.

    The weights are such that the slope is continuous; so the inverse is of the same form *(Dolatabadi, Erfani and
    Leckie 2020, "Invertible Generative Modeling using Linear Rational Splines")*.

    Args:
        x: where; an image where ``inverse`` is true. Shape: ``S``.
        widths: the shares of the bins in the interval; positive, of sum one. Shape: ``(*S, bins)``, or what broadcasts.
        heights: the shares of their images. Shape: as ``widths``.
        slopes: the positive slopes between the bins; at the interval's ends the slope is one.
            Shape: ``(*S, bins - 1)``.
        halves: the share of each bin's first piece, between zero and one. Shape: as ``widths``.
        bound: the interval is ``[-bound, bound]``.
        inverse: give the point whose image is ``x``.

    Returns:
        The image, or the point, and the logarithm of the spline's slope at the point. Shape: ``S`` both.
    """
    bins = _bin(x, widths, heights, slopes, halves, bound, inverse)
    share = _LEAST_HALF + (1 - 2 * _LEAST_HALF) * bins.half
    end = (bins.left_slope / bins.right_slope).sqrt()  # the weight at the right end; that at the left one is one
    middle = (share * bins.left_slope + (1 - share) * end * bins.right_slope) * (bins.right - bins.left)
    middle = middle / (bins.top - bins.bottom)
    x_middle = torch.lerp(bins.left, bins.right, share)
    y_middle = torch.lerp(bins.bottom, bins.top, share * end / (1 - share + share * end))
    inside = x.clamp(-bound, bound)
    first = inside <= (y_middle if inverse else x_middle)
    left, right = torch.where(first, bins.left, x_middle), torch.where(first, x_middle, bins.right)
    bottom, top = torch.where(first, bins.bottom, y_middle), torch.where(first, y_middle, bins.top)
    weight = torch.where(first, middle, end / middle)  # at the piece's end, in units of that at its start
    if inverse:
        height = (inside - bottom) / (top - bottom)
        t = height / (height + weight * (1 - height))
    else:
        t = (inside - left) / (right - left)
    whole = 1 - t + weight * t
    image = torch.lerp(left, right, t) if inverse else torch.lerp(bottom, top, weight * t / whole)
    log_slope = (weight * (top - bottom) / (right - left)).log() - 2 * whole.log()
    return _outside_identity(x, image, log_slope, bound)


def quadratic_rational_spline(
    x: Tensor, widths: Tensor, heights: Tensor, slopes: Tensor, bound: float, inverse: bool = False
) -> tuple[Tensor, Tensor]:
    r"""A spline of pieces that are ratios of quadratic functions, and the logarithm of its slope.

    On a bin with slopes :math:`d_0, d_1` at its ends and :math:`s` on average, at the share :math:`t` of its width,

    .. math:: \frac{y - y_0}{y_1 - y_0} = \frac{s t^2 + d_0 t (1 - t)}{s + (d_0 + d_1 - 2 s) t (1 - t)}

    *(Durkan, Bekasov, Murray and Papamakarios 2019, "Neural Spline Flows", section 3.1)*.

    Args:
        x: where; an image where ``inverse`` is true. Shape: ``S``.
        widths: the shares of the bins in the interval; positive, of sum one. Shape: ``(*S, bins)``, or what broadcasts.
        heights: the shares of their images. Shape: as ``widths``.
        slopes: the positive slopes between the bins; at the interval's ends the slope is one.
            Shape: ``(*S, bins - 1)``.
        bound: the interval is ``[-bound, bound]``.
        inverse: give the point whose image is ``x``.

    Returns:
        The image, or the point, and the logarithm of the spline's slope at the point. Shape: ``S`` both.
    """
    bins = _bin(x, widths, heights, slopes, widths, bound, inverse)
    mean = (bins.top - bins.bottom) / (bins.right - bins.left)
    bend = bins.left_slope + bins.right_slope - 2 * mean
    inside = x.clamp(-bound, bound)
    if inverse:  # the root of a quadratic equation, in the form that does not cancel (Durkan et al. 2019, appendix A)
        height = (inside - bins.bottom) / (bins.top - bins.bottom)
        b = bins.left_slope - height * bend
        discriminant = b.square() + 4 * (mean - b) * mean * height
        t = 2 * mean * height / (b + discriminant.clamp(min=torch.finfo(x.dtype).tiny).sqrt())
    else:
        t = (inside - bins.left) / (bins.right - bins.left)
    across = t * (1 - t)
    below = mean + bend * across
    above = mean * t.square() + bins.left_slope * across
    image = torch.lerp(bins.left, bins.right, t) if inverse else torch.lerp(bins.bottom, bins.top, above / below)
    slope = bins.right_slope * t.square() + 2 * mean * across + bins.left_slope * (1 - t).square()
    return _outside_identity(x, image, 2 * (mean.log() - below.log()) + slope.log(), bound)


def _bin(
    x: Tensor, widths: Tensor, heights: Tensor, slopes: Tensor, halves: Tensor, bound: float, inverse: bool
) -> _Bin:
    across, up = _knots(widths, bound), _knots(heights, bound)
    slopes = pad(slopes + _LEAST_SLOPE, (1, 1), value=1.0)
    index = (x[..., None] >= (up if inverse else across)[..., 1:-1]).sum(-1)
    columns = (across[..., :-1], across[..., 1:], up[..., :-1], up[..., 1:], slopes[..., :-1], slopes[..., 1:], halves)
    table = torch.stack(columns, -2)  # one gather for all of them
    shape = (*index.shape, len(columns))
    table = table.expand(*shape, table.shape[-1])
    chosen = table.gather(-1, index[..., None, None].expand(*shape, 1))
    return _Bin(*chosen.squeeze(-1).unbind(-1))


def _knots(shares: Tensor, bound: float) -> Tensor:
    """The ends of the bins; the first and the last one are the interval's to the last digit."""
    bins = shares.shape[-1]
    shares = _LEAST_SHARE + (1 - bins * _LEAST_SHARE) * shares
    inner = bound * (2 * shares[..., :-1].cumsum(-1) - 1)
    end = torch.full_like(shares[..., :1], bound)
    return torch.cat([-end, inner, end], -1)


def _outside_identity(x: Tensor, image: Tensor, log_slope: Tensor, bound: float) -> tuple[Tensor, Tensor]:
    inside = x.abs() <= bound
    return torch.where(inside, image, x), torch.where(inside, log_slope, 0.0)

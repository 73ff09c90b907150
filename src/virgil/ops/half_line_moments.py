"""Moments of a normal density on the positive half of the line, as logarithms."""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import Tensor

__all__ = ["log_half_line_moment"]

_FAR = -12.0  # below, the asymptotic series of so many terms has the precision of a double
_TERMS = 16
_NODES = 100


def log_half_line_moment(loc: Tensor, order: int) -> Tensor:
    r""":math:`\log \int_0^\infty r^{k} e^{-(r - t)^2 / 2} \, dr` for a whole number k.

    Orders 0, 1 and 2 are closed forms of the normal distribution function, with an asymptotic series far to the left,
    where these cancel. Higher orders are the trapezoidal rule in :math:`\log r`, whose error decreases exponentially
    with the number of nodes *(Trefethen and Weideman 2014, section 5)*. The derivative by t is k times the ratio of the
    moment before to this one.

    Args:
        loc: t, in double precision.
        order: k, not negative.

    >>> log_half_line_moment(torch.tensor([0.0, -100.0], dtype=torch.double), 1)
    tensor([    0.0000, -5009.2106], dtype=torch.float64)
    """
    if order == 0:
        log_mass: Tensor = torch.special.log_ndtr(loc)
        return log_mass + math.log(2 * math.pi) / 2
    result: Tensor = _LogMoment.apply(loc, order)
    return result


class _LogMoment(torch.autograd.Function):
    generate_vmap_rule = True

    @staticmethod
    def forward(loc: Tensor, order: int) -> Tensor:
        return _closed_form(loc, order) if order <= 2 else _by_trapezoids(loc, order)

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Any, ...], output: Any) -> None:
        loc, ctx.order = inputs
        ctx.save_for_backward(loc)

    @staticmethod
    def backward(ctx: Any, *grads: Any) -> Any:
        (loc,) = ctx.saved_tensors
        # by parts: M(k + 1) = t M(k) + k M(k - 1), and dM(k)/dt = M(k + 1) - t M(k)
        before, here = (log_half_line_moment(loc, order) for order in (ctx.order - 1, ctx.order))
        return grads[0] * ctx.order * (before - here).exp(), None


def _closed_form(loc: Tensor, order: int) -> Tensor:
    right = loc.clamp(min=0)
    mass = math.sqrt(2 * math.pi) * torch.special.ndtr(right)
    first = (-right.square() / 2).exp() + right * mass
    moment = first if order == 1 else right * first + mass
    left = loc.clamp(_FAR, 0)  # the moment times exp(t**2 / 2)
    mass = math.sqrt(math.pi / 2) * torch.special.erfcx(-left / math.sqrt(2))
    first = 1 + left * mass
    scaled = first if order == 1 else left * first + mass
    scaled_log = torch.where(loc < _FAR, _far_left(loc.clamp(max=_FAR), order), scaled.log())
    return torch.where(loc < 0, scaled_log - loc.square() / 2, moment.log())


def _far_left(loc: Tensor, order: int) -> Tensor:
    """The terms of exp(-r**2 / 2), each integrated against r**k exp(t r)."""
    inverse = loc.square().reciprocal()
    series = one = torch.ones_like(loc)
    for term in range(_TERMS, 0, -1):
        series = torch.addcmul(one, series, inverse, value=-(order + 2 * term - 1) * (order + 2 * term) / (2 * term))
    return series.log() + math.lgamma(order + 1) - (order + 1) * (-loc).log()


def _by_trapezoids(loc: Tensor, order: int) -> Tensor:
    power = order + 1  # of r, as dr = r d(log r)
    # without a difference, whichever the sign of t
    root = (loc.square() + 4 * power).sqrt()
    peak = torch.where(loc > 0, (loc + root) / 2, 2 * power / (root - loc))
    width = (peak.square() + power).rsqrt()
    steps = torch.linspace(-30.0, 9.0, _NODES, dtype=loc.dtype, device=loc.device)
    log_radius = peak.log().unsqueeze(-1) + width.unsqueeze(-1) * steps
    square = (log_radius.exp() - loc.unsqueeze(-1)).square()
    total = torch.logsumexp(power * log_radius - square / 2, -1)
    return total + (width * (39.0 / (_NODES - 1))).log()

"""The regularised incomplete beta function and its inverse, with derivatives by both parameters."""

from __future__ import annotations

import math

import torch
from torch import Tensor
from torch.nn.functional import logsigmoid

from virgil.ops.gamma_remainder import LARGE, stirling_remainder
from virgil.ops.log_concave_tail import log_complement, log_tail_integral
from virgil.ops.monotone_inverse import newton_in_logarithms

__all__ = ["beta_quantile_logit", "log_incomplete_beta"]


def log_incomplete_beta(a: Tensor, b: Tensor, logit: Tensor) -> tuple[Tensor, Tensor]:
    r"""The logarithms of :math:`I_x(a, b) = \int_0^x t^{a - 1} (1 - t)^{b - 1} dt / B(a, b)` and of 1 less it.

    Torch has no such function, and SciPy's has no derivative by a or b. This is an integral over the logit of t, in
    the tail that does not contain the mean: with the sigmoid :math:`\sigma` and y the logit of x,
    :math:`\int_0^\infty \sigma(y - s)^a \sigma(s - y)^b ds / B(a, b)` below. It is differentiable to any order.

    The relative error is about 1e-11 for parameters from 1e-2 to 1e6.

    Args:
        a: > 0.
        b: > 0.
        logit: ``log(x / (1 - x))``, which has the digits of x near 0 and of 1 - x near 1. It may be infinite.

    >>> below, above = log_incomplete_beta(torch.tensor(2.0), torch.tensor(1.0), torch.tensor(0.0))
    >>> below.exp(), above.exp()
    (tensor(0.2500), tensor(0.7500))
    """
    dtype = torch.promote_types(torch.promote_types(a.dtype, b.dtype), logit.dtype)
    a, b, y = torch.broadcast_tensors(a.double(), b.double(), logit.double())
    inside = y.isfinite()
    none, all_ = torch.where(y > 0, 0.0, -torch.inf), torch.where(y > 0, -torch.inf, 0.0)
    y = torch.where(inside, y, 0.0)
    lower = y < a.detach().clamp_min(1.0).log() - b.detach().clamp_min(1.0).log()
    sign = torch.where(lower, -1.0, 1.0)
    ahead, behind = torch.where(lower, a, b), torch.where(lower, b, a)  # the power that falls, and that which grows
    start = -sign * y  # the logit of what falls
    log_falls, log_grows = logsigmoid(start), logsigmoid(-start)

    def log_ratio(s: Tensor) -> Tensor:
        here = start.unsqueeze(-1) - s
        down = logsigmoid(here) - log_falls.unsqueeze(-1)
        up = logsigmoid(-here) - log_grows.unsqueeze(-1)
        return ahead.unsqueeze(-1) * down + behind.unsqueeze(-1) * up

    tail = _log_factor(ahead, behind, log_falls, log_grows, start) + log_tail_integral(log_ratio, y)
    rest = log_complement(tail)
    below, above = torch.where(lower, tail, rest), torch.where(lower, rest, tail)
    return torch.where(inside, below, none).to(dtype), torch.where(inside, above, all_).to(dtype)


def _log_factor(a: Tensor, b: Tensor, log_x: Tensor, log_rest: Tensor, logit: Tensor) -> Tensor:
    """The logarithm of ``x**a * (1 - x)**b / B(a, b)``, by the logarithms of x and of 1 - x."""
    both = torch.minimum(a, b) > LARGE
    p, q = torch.where(both, a, LARGE), torch.where(both, b, LARGE)
    # the relative distances of x and 1 - x from the mean, p / (p + q)
    gap = logit.sigmoid() * q - (-logit).sigmoid() * p
    drop = p * _log_excess(gap / p, p, q, log_x) + q * _log_excess(-gap / q, q, p, log_rest)
    size = (p / (2 * math.pi)).log() + q.log() - (p + q).log()
    remainder = stirling_remainder(p) + stirling_remainder(q) - stirling_remainder(p + q)
    c, d = torch.where(both, 1.0, a), torch.where(both, 1.0, b)
    direct = c * log_x + d * log_rest - _log_beta(c, d)
    return torch.where(both, drop + size / 2 - remainder, direct)


def _log_beta(a: Tensor, b: Tensor) -> Tensor:
    """``log B(a, b)``, where one of the two is not large."""
    less, more = torch.minimum(a, b), torch.maximum(a, b)
    far = more > LARGE
    m = torch.where(far, more, LARGE)
    # log gamma(m) - log gamma(m + less), by Stirling's formula
    steps = less - (m - 0.5) * torch.log1p(less / m) - less * (m + less).log()
    ratio = steps + stirling_remainder(m) - stirling_remainder(m + less)
    near = torch.where(far, 1.0, more)
    return torch.lgamma(less) + torch.where(far, ratio, torch.lgamma(near) - torch.lgamma(near + less))


def _log_excess(excess: Tensor, p: Tensor, q: Tensor, log_x: Tensor) -> Tensor:
    """``log(x * (p + q) / p)``, of the relative excess of x over the mean."""
    apart = (excess < -0.5) | (excess > 1.0)
    return torch.where(apart, torch.log1p(q / p) + log_x, torch.log1p(torch.where(apart, 0.0, excess)))


def beta_quantile_logit(a: Tensor, b: Tensor, mass: Tensor) -> Tensor:
    """The logit of the x with this mass of a beta distribution below it, and its derivatives of first order.

    Newton's method finds it from the logarithm of the mass, which is a concave function of it. The quantile with a
    mass above it is ``-beta_quantile_logit(b, a, mass)``.

    Args:
        a: > 0.
        b: > 0.
        mass: between 0 and 1 / 2; larger ones keep fewer digits.

    >>> beta_quantile_logit(torch.tensor(1.0), torch.tensor(1.0), torch.tensor(0.25)).sigmoid()
    tensor(0.2500)
    """
    dtype = torch.promote_types(torch.promote_types(a.dtype, b.dtype), mass.dtype)
    a, b, mass = torch.broadcast_tensors(a.double(), b.double(), mass.double())
    log_mass = mass.log()
    log_beta = torch.lgamma(a) + torch.lgamma(b) - torch.lgamma(a + b)

    def log_mass_and_slope(y: Tensor) -> tuple[Tensor, Tensor]:
        below = log_incomplete_beta(a, b, y)[0]
        return below, (a * logsigmoid(y) + b * logsigmoid(-y) - log_beta - below).exp()

    with torch.no_grad():  # the mass is below exp(a * y) / (a * B(a, b))
        start = (log_mass + a.log() + log_beta) / a
    return newton_in_logarithms(log_mass_and_slope, log_mass, start).to(dtype)

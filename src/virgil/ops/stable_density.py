r"""The density of stable distributions, as an integral.

For a standardised value :math:`x` in the continuous parametrisation S0 and :math:`y = |x - \zeta|`, where
:math:`\zeta = -\beta \tan(\pi \alpha / 2)`,

.. math:: f(x) = \frac{\alpha}{\pi |\alpha - 1| y} \int g e^{-g} \, d\theta, \qquad
   \log g = \log y + \frac{1}{\alpha - 1} \log\frac{y \cos \alpha\theta_0 \, \sin^\alpha \varepsilon}{\sin^\alpha b}
   + \log \frac{\sin d}{\sin \varepsilon}

*(Nolan 1997, theorem 1)*. The angle :math:`\theta` lies at distances :math:`\delta` and :math:`\varepsilon` from the
ends of its interval; with :math:`b = \alpha\delta` and :math:`d = \pi - b - \varepsilon` the sines are those of a
triangle's three angles, each of which is computed without cancellation.
"""

from __future__ import annotations

import math
from functools import partial
from typing import NamedTuple

import torch
from torch import Tensor

from virgil.ops.peaked_integrand import nodes_around_peak
from virgil.ops.relative_functions import atan_ratio, log1p_ratio
from virgil.ops.stable_far_tail import FAR, NEAR_ONE, far_log_density
from virgil.ops.stable_near_cauchy import CLOSE, near_cauchy_log_density

__all__ = ["stable_log_density"]

_SMALLEST = 1e-30  # distances from zeta below this count as this
_AT_ZETA = 1e-3  # for alpha >= 1, distances below this have a series
_TINY = 1e-280


class _Shape(NamedTuple):
    """Constants of an integrand, with a dim of size one on the right, where nodes stand."""

    alpha: Tensor
    upper: Tensor  # alpha >= 1
    gap: Tensor  # |alpha - 1|, and 1 where that is zero
    small: Tensor  # |1 / tan(pi alpha / 2)|, as the sine of pi * gap / 2
    small_per_gap: Tensor  # pi / 2 at alpha = 1
    still: Tensor  # the part of the angle d that does not change, divided by `small`
    length: Tensor  # of the interval
    y: Tensor  # |x - zeta|
    y_small: Tensor  # y * small
    edge: Tensor  # log(y cos(alpha theta_0)) / gap
    log_cos: Tensor  # log cos(alpha theta_0)


class _Constants(NamedTuple):
    """The parts of the logarithm of an integrand that are the same at all nodes. Shape: ``(*batch, 1)`` each."""

    near: Tensor  # zeta, for alpha < 1
    per_unit: Tensor  # y in the units in which delta is counted
    slope: Tensor  # of the derivative of the angle
    log_scale: Tensor  # of the sine of b, near zeta
    factor: Tensor  # of g
    sign: Tensor  # of alpha - 1


class _Angles(NamedTuple):
    """The angles at the nodes."""

    log_whole: Tensor  # log(1 + delta / epsilon)
    b: Tensor
    d: Tensor
    epsilon: Tensor
    d_per_small: Tensor
    log_sin_epsilon: Tensor
    log_sin_d: Tensor  # of sin(d) / small


def stable_log_density(value: Tensor, stability: Tensor, skew: Tensor, points: int = 161) -> Tensor:
    """The log-density of the stable distribution with scale 1 and location 0 in the parametrisation S0, nats.

    The integral is taken by the trapezoidal rule in the logit of the angle, over the interval outside which the
    integrand is below 1e-14 of its maximum. It has derivatives by all three arguments, through the integrand at fixed
    nodes. Where stability is near 1, other formulas take its place far out and where skew is near 0.

    Args:
        value: any real number.
        stability: in (0, 2].
        skew: in [-1, 1].
        points: how many nodes.

    Returns:
        Shape: that of the three arguments, broadcast. In double precision.

    Source:
        *(Nolan 1997; Zolotarev 1986, section 2.2)*

    >>> stable_log_density(torch.tensor(0.5), torch.tensor(2.0), torch.tensor(0.0)).exp()  # a normal of variance 2
    tensor(0.2650, dtype=torch.float64)
    """
    x, alpha, beta = torch.broadcast_tensors(value.double(), stability.double(), skew.double())
    side = torch.where(x < 0, -1.0, 1.0).to(x)
    outer = (x.abs() >= FAR) & ((alpha - 1).abs() < NEAR_ONE) & (side * beta > -1)
    tail = far_log_density(
        torch.where(outer, side * x, FAR), torch.where(outer, alpha, 1.0), torch.where(outer, side * beta, 0.0)
    )
    close = ((alpha - 1).abs() < CLOSE) & (beta.abs() < CLOSE) & ~outer
    series = near_cauchy_log_density(
        torch.where(close, x, 0.0), torch.where(close, alpha, 1.0), torch.where(close, beta, 0.0)
    )
    elsewhere = close | outer
    integral = _log_integral(torch.where(elsewhere, 1.0, x), torch.where(elsewhere, 1.5, alpha), beta, points)
    return torch.where(outer, tail, torch.where(close, series, integral))


def _log_integral(x: Tensor, alpha: Tensor, beta: Tensor, points: int) -> Tensor:
    shape = _shape_of(*(each.unsqueeze(-1) for each in (x, alpha, beta)))
    inside = shape.length > 0
    shape = shape._replace(length=torch.where(inside, shape.length, 1.0))
    at_zeta = shape.upper & (shape.y < _AT_ZETA)
    series = _log_series(shape, torch.where(at_zeta, shape.y, 0.0))
    shape = shape._replace(
        y=torch.where(at_zeta, 1.0, shape.y),
        y_small=torch.where(at_zeta, 1.0, shape.y_small),
        edge=torch.where(at_zeta, 0.0, shape.edge),
    )
    with torch.no_grad():
        still = _Shape(*(each.detach() for each in shape))
        reach = (200 + 30 / still.alpha).clamp_max(640.0)
        nodes, log_weights = nodes_around_peak(partial(_log_integrand, still, _constants_of(still)), reach, points)
    total = torch.logsumexp(_log_integrand(shape, _constants_of(shape), nodes) + log_weights, -1, keepdim=True)
    total = torch.where(inside, total + shape.alpha.log(), -torch.inf)
    return torch.where(at_zeta, series, total).squeeze(-1) - math.log(math.pi)


def _log_series(shape: _Shape, y: Tensor) -> Tensor:
    """The logarithm of ``pi`` times the density near zeta, for alpha >= 1.

    At fixed angles the integrand's derivative by y converges slowly there. The integral of the characteristic function
    is expanded in powers of y *(Zolotarev 1986, theorem 2.4.2)*.
    """
    rate = shape.log_cos / shape.alpha
    angle = shape.length - math.pi / 2  # theta_0
    total = torch.zeros_like(y)
    for n in reversed(range(8)):
        order = (n + 1) / shape.alpha
        size = (torch.lgamma(order) - math.lgamma(n + 1) + n * rate).exp()
        total = total * y + size * (angle * (n + 1) - math.pi / 2 * n).cos()
    return total.clamp_min(_TINY).log() + rate - shape.alpha.log()


def _shape_of(x: Tensor, alpha: Tensor, beta: Tensor) -> _Shape:
    upper = alpha >= 1
    gap = torch.where(upper, alpha - 1, 1 - alpha)
    small, large = (math.pi / 2 * gap).sin(), (math.pi / 2 * (1 - gap)).sin()
    sign = torch.where(upper, 1.0, -1.0).to(x)
    signed = x * small - beta * sign * large  # (x - zeta) * small
    side = torch.where(signed < 0, -1.0, 1.0).to(x)
    y_small, lean = side * signed, -side * sign * beta
    square, opposite = small.square() + lean * large.square(), small.square() - lean * large.square()
    rest = torch.atan2((1 + lean) * large * small, opposite)
    length = (torch.where(upper, math.pi * gap, 0.0) + rest) / alpha
    radius = (small.square() + (beta * large).square()).sqrt()
    still = _still(lean, small, large, square)
    safe = torch.where(small == 0, 1.0, small)
    return _Shape(
        alpha=alpha,
        upper=upper,
        gap=torch.where(gap == 0, 1.0, gap),
        small=small,
        small_per_gap=math.pi / 2 * torch.sinc(gap / 2),
        still=torch.where(upper, still, still / alpha),
        length=length,
        y=torch.where(small == 0, torch.inf, y_small / safe),
        y_small=y_small,
        edge=_edge(side * x, y_small, lean, small, large, radius, gap),
        log_cos=(safe / radius).log(),
    )


def _still(lean: Tensor, small: Tensor, large: Tensor, square: Tensor) -> Tensor:
    """``atan2((1 - lean) * large * small, square) / small``, at ``small = 0`` too."""
    height = (1 - lean) * large
    flat = (square > 0) & (height * small < 0.5 * square)
    base = torch.where(flat, square, 1.0)
    near = atan_ratio(torch.where(flat, height * small / base, 0.0)) * height / base
    apart = ~flat & (small > 0)
    angle = torch.atan2(torch.where(apart, height * small, 0.0), torch.where(apart, square, 1.0))
    return torch.where(flat, near, angle / torch.where(apart, small, 1.0))


def _edge(
    x: Tensor, y_small: Tensor, lean: Tensor, small: Tensor, large: Tensor, radius: Tensor, gap: Tensor
) -> Tensor:
    """``log(y_small / radius) / gap``, of which the logarithm is of the size of the gap where that is small."""
    per_small = (x - small / (radius + lean.abs() * large)) / radius
    change = per_small * small
    flat = (lean >= 0) & (change.abs() < 0.5)
    near = log1p_ratio(torch.where(flat, change, 0.0)) * per_small * (math.pi / 2) * torch.sinc(gap / 2)
    apart = (~flat & (y_small > 0)) & (gap > 0)
    return torch.where(flat, near, torch.where(apart, y_small / radius, 1.0).log() / torch.where(apart, gap, 1.0))


def _constants_of(shape: _Shape) -> _Constants:
    near = (shape.y < 1) & ~shape.upper
    # here delta is counted in units of y, so that y, which tends to zero, cancels in derivatives too
    unit = torch.where(near, shape.y.detach().clamp_min(_SMALLEST), 1.0)
    log_y_small = torch.where(near, 1.0, shape.y_small).log()
    log_small = torch.where(shape.small > 0, shape.small, 1.0).log()
    slope = torch.where(near, -shape.gap.log() - unit.log(), shape.small_per_gap.log() - log_y_small)
    return _Constants(
        near=near,
        per_unit=torch.where(near, shape.y, 1.0) / unit,
        slope=slope + shape.length.log(),
        log_scale=(shape.alpha * shape.length).log() - unit.log(),
        factor=torch.where(near, log_small, log_y_small),
        sign=torch.where(shape.upper, 1.0, -1.0).to(shape.y),
    )


def _log_integrand(shape: _Shape, constants: _Constants, nodes: Tensor) -> Tensor:
    """``log(g exp(-g) dtheta/dnode / (gap * y))`` at nodes, which are logits of ``delta / length``."""
    angles = _angles(shape, nodes.exp() * constants.per_unit)
    logit = nodes - angles.log_whole
    near = _near_zeta(shape, angles, logit + constants.log_scale)
    ratio = torch.where(constants.near, near, _far(shape, angles, constants.near))
    log_g = constants.sign * ratio + constants.factor + angles.log_sin_d - angles.log_sin_epsilon
    return log_g - log_g.clamp_max(650.0).exp() + (logit - angles.log_whole + constants.slope)


def _angles(shape: _Shape, odds: Tensor) -> _Angles:
    epsilon = shape.length / (1 + odds)
    delta = epsilon * odds
    b = shape.alpha * delta
    d_per_small = shape.still + torch.where(shape.upper, epsilon, delta) / shape.small_per_gap
    d = d_per_small * shape.small
    wide = d > 2
    sine = (b + epsilon).sin() / torch.where(wide, shape.small, 1.0)
    log_sin_d = torch.where(wide, sine, d_per_small * torch.sinc(torch.where(wide, 0.0, d) / math.pi))
    log_sin_epsilon = torch.minimum(epsilon, b + d).sin().clamp_min(_TINY).log()
    return _Angles(torch.log1p(odds), b, d, epsilon, d_per_small, log_sin_epsilon, log_sin_d.clamp_min(_TINY).log())


def _far(shape: _Shape, angles: _Angles, near: Tensor) -> Tensor:
    """``(alpha - 1) log(g) / gap`` less what `_log_integrand` adds."""
    sin_b = torch.where(near, 1.0, torch.minimum(angles.b, angles.epsilon + angles.d).sin().clamp_min(_TINY))
    # sin(epsilon) / sin(b) = 1 + change
    half = angles.d / 2
    per_small = (angles.b + half).cos() * angles.d_per_small * torch.sinc(half / math.pi) / sin_b
    change = per_small * shape.small
    flat = change.abs() < 0.5
    ratio = torch.where(
        flat,
        log1p_ratio(torch.where(flat, change, 0.0)) * torch.where(flat, per_small, 0.0) * shape.small_per_gap,
        (angles.log_sin_epsilon - sin_b.log()) / shape.gap,
    )
    return shape.edge + shape.alpha * ratio


def _near_zeta(shape: _Shape, angles: _Angles, log_scale: Tensor) -> Tensor:
    """The same where y is small, which is divided out of the sine of b."""
    b = angles.b
    low = b < 2
    sinc = torch.where(
        low, torch.sinc(torch.where(low, b, 0.0) / math.pi), (angles.epsilon + angles.d).sin() / b.clamp_min(1.0)
    )
    log_sin_b = log_scale + sinc.clamp_min(_TINY).log()  # of sin(b) / y
    return (shape.log_cos + shape.alpha * (angles.log_sin_epsilon - log_sin_b)) / shape.gap

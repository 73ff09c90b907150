r"""The density of stable distributions near the Cauchy distribution, as a series.

With :math:`m = \kappa + i \beta \kappa \cot(\pi\kappa/2)`, :math:`\kappa = \alpha - 1`, the characteristic function of
the parametrisation S0 is :math:`\exp(-t - m t (t^\kappa - 1) / \kappa)` for :math:`t > 0`. The density is its Fourier
integral, in which :math:`m` and :math:`\kappa` are small.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor

__all__ = ["CLOSE", "near_cauchy_log_density"]

CLOSE = 3e-4
"""How far stability may be from 1 and skew from 0. What the series leaves out is of the fourth order in both."""

_EULER = 0.5772156649015329
_ZETA_3 = 1.2020569031595942

_Complex = tuple[Tensor, Tensor]


def _product(a: _Complex, b: _Complex) -> _Complex:
    return a[0] * b[0] - a[1] * b[1], a[0] * b[1] + a[1] * b[0]


def _moment(power: int, logs: int, log_s: _Complex) -> _Complex:
    r"""The integral over :math:`t > 0` of :math:`t^n \log^k t \, e^{-st}`: derivatives of ``gamma(a) * s**-a``."""
    digamma = -_EULER + sum(1 / j for j in range(1, power + 1))
    trigamma = math.pi**2 / 6 - sum(1 / j**2 for j in range(1, power + 1))
    tetragamma = -2 * (_ZETA_3 - sum(1 / j**3 for j in range(1, power + 1)))
    slope = (digamma - log_s[0], -log_s[1])
    square = _product(slope, slope)
    cube = _product(square, slope)
    factor = {
        1: slope,
        2: (square[0] + trigamma, square[1]),
        3: (cube[0] + 3 * trigamma * slope[0] + tetragamma, cube[1] + 3 * trigamma * slope[1]),
    }[logs]
    size = math.factorial(power) * (-(power + 1) * log_s[0]).exp()
    turn = -(power + 1) * log_s[1]
    return _product(factor, (size * turn.cos(), size * turn.sin()))


def near_cauchy_log_density(x: Tensor, stability: Tensor, skew: Tensor) -> Tensor:
    """The log-density in the parametrisation S0 with scale 1 and location 0, by terms up to the third order, nats.

    Args:
        x: any real number.
        stability: within `CLOSE` of 1.
        skew: within `CLOSE` of 0.
    """
    kappa = stability - 1
    m = (kappa, skew * (2 / math.pi) * (math.pi / 2 * kappa).cos() / torch.sinc(kappa / 2))
    log_s = (torch.log1p(x.square()) / 2, torch.atan(x))  # s = 1 + i x
    m2 = _product(m, m)
    m3 = _product(m2, m)
    terms = (
        (-1.0, m, 1, 1),
        (-kappa / 2, m, 1, 2),
        (0.5, m2, 2, 2),
        (-kappa.square() / 6, m, 1, 3),
        (kappa / 2, m2, 2, 3),
        (-1 / 6, m3, 3, 3),
    )
    # relative to the Cauchy density, so that nothing overflows far out
    total = torch.ones_like(x)
    scale = 2 * log_s[0]
    for factor, coefficient, power, logs in terms:
        total = total + factor * _product(coefficient, _moment(power, logs, log_s))[0] * scale.exp()
    return torch.log(total) - scale - math.log(math.pi)

r"""The density of stable distributions far out, at a stability near 1, as an integral.

On the negative imaginary axis the characteristic function of the parametrisation S0 is :math:`e^{-p(s) + i q(s)}` with
:math:`q = (1 + \beta) \sin(\pi\alpha/2) s^\alpha`, so that by Cauchy's theorem

.. math:: f(x) = \frac1\pi \int_0^\infty e^{-x s - p(s)} \sin q(s) \, ds

for :math:`\alpha \le 1`, and else up to what is exponentially small in a power of x.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor

from virgil.ops.relative_functions import expm1_ratio

__all__ = ["FAR", "NEAR_ONE", "far_log_density"]

FAR, NEAR_ONE = 10.0, 0.25
"""From which distance on, and how near to 1 the stability must be."""

_POINTS, _LOW, _HIGH = 121, -24.0, 3.7


def far_log_density(x: Tensor, stability: Tensor, skew: Tensor) -> Tensor:
    """The log-density in the parametrisation S0 with scale 1 and location 0, nats.

    Args:
        x: at least `FAR`.
        stability: within `NEAR_ONE` of 1.
        skew: above -1: there is no such tail at -1.
    """
    x, alpha, beta = (each.unsqueeze(-1) for each in (x, stability, skew))
    kappa = alpha - 1
    log_v = torch.linspace(_LOW, _HIGH, _POINTS, dtype=x.dtype, device=x.device)
    log_s = log_v - x.log()
    s = log_s.exp()
    # p = cos(pi alpha / 2) s^alpha - beta tan(pi alpha / 2) (sin(pi alpha / 2) s^alpha - s), both factors near a pole
    cosine, sine = -(math.pi / 2 * kappa).sin(), (math.pi / 2 * kappa).cos()
    t_kappa = -(2 / math.pi) * sine / torch.sinc(kappa / 2)
    bracket = sine * log_s * expm1_ratio(kappa * log_s) - kappa * (math.pi**2 / 8) * torch.sinc(kappa / 4).square()
    power = (alpha * log_s).exp()
    p = cosine * power - beta * t_kappa * s * bracket
    wave = sine * (1 + beta) * power
    # sin(q) / q is computed, so that the logarithm is that of 1 + skew where it tends to zero
    terms = torch.sinc(wave / math.pi) * (log_v + alpha * log_s - log_v.exp() - p).exp()
    step = (_HIGH - _LOW) / (_POINTS - 1)
    total = terms * (alpha * x.log()).exp()
    log_size = (sine * (1 + beta)).squeeze(-1).log() - ((1 + alpha) * x.log()).squeeze(-1)
    return total.sum(-1).log() + log_size + math.log(step / math.pi)

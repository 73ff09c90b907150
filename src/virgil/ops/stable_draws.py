"""Random numbers of stable distributions, as a function of a uniform and an exponential one."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from virgil.ops.relative_functions import expm1_ratio

__all__ = ["stable_draws"]

_TINY = 1e-300


def stable_draws(uniform: Tensor, exponential: Tensor, stability: Tensor, skew: Tensor) -> Tensor:
    r"""Draws with scale 1 and location 0 in the parametrisation S0, from draws of other distributions.

    With :math:`V = \pi (U - 1/2)`, :math:`\kappa = \alpha - 1`, :math:`T = \tan(\pi \alpha / 2)`,
    :math:`M = \log(W \cos V / (\cos \kappa V - \beta T \sin \kappa V))` and :math:`e = \exp(\kappa M / \alpha)`

    .. math:: X = \frac{\sin \alpha V}{\cos V} e + \beta T \Bigl(\frac{\cos \alpha V}{\cos V} e - 1\Bigr),

    which is the formula of *(Chambers, Mallows and Stuck 1976)*, shifted. The bracket is of the size of
    :math:`\kappa`, T of that of its inverse, and the product is computed without either, so draws and their derivatives
    are continuous at a stability of 1. In double precision.

    Args:
        uniform: between 0 and 1.
        exponential: positive, of rate 1.
        stability: in (0, 2].
        skew: in [-1, 1].
    """
    uniform, w, alpha, beta = (each.double() for each in (uniform, exponential, stability, skew))
    v = math.pi * (uniform - 0.5)
    kappa = alpha - 1
    cos_v = (math.pi * torch.minimum(uniform, 1 - uniform)).sin().clamp_min(_TINY)
    # T * kappa and T * sin(kappa v)
    t_kappa = -(2 / math.pi) * (math.pi / 2 * kappa).cos() / torch.sinc(kappa / 2)
    t_sin = t_kappa * v * torch.sinc(kappa * v / math.pi)
    m = w.clamp_min(_TINY).log() + cos_v.log() - ((kappa * v).cos() - beta * t_sin).clamp_min(_TINY).log()
    power = kappa * m / alpha
    e = power.exp()
    half = torch.sinc(kappa * v / (2 * math.pi)) * v
    bracket = t_kappa * (m / alpha * expm1_ratio(power) - kappa / 2 * half.square() * e) - v.sin() / cos_v * t_sin * e
    return (alpha * v).sin() / cos_v * e + beta * bracket

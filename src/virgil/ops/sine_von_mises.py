r"""The first angle of the sine model of two angles: its density, its mass on intervals, and its quantiles.

The model's density is proportional to :math:`\exp(a \cos x + b \cos y + c \sin x \sin y)`. Given x, the other angle is
von Mises with concentration :math:`z = \sqrt{b^2 + c^2 \sin^2 x}`, so the density of x is proportional to
:math:`I_0(z) e^{a \cos x}` *(Singh, Hnizdo and Demchuk 2002)*. It is even in x, and on
:math:`[0, \pi]` has one peak. Integrals are Gauss's rule on panels that grow with their distance from the peak.
"""

from __future__ import annotations

import math

import numpy as np
import torch
from torch import Tensor

__all__ = ["log_normaliser", "random_first_angles", "second_angle"]

_RULES = {count: [each.tolist() for each in np.polynomial.legendre.leggauss(count)] for count in (6, 12)}
_FORWARD = [0.5, 1.0, 1.5, 2.0, 3.0, 4.0, 6.0, *(2.0**power for power in range(3, 16))]
_OFFSETS = [*(-each for each in reversed(_FORWARD)), 0.0, *_FORWARD]
_STEPS = 8

_Model = tuple[Tensor, Tensor, Tensor]  # a, b and c, in double precision and of one shape


def second_angle(x: Tensor, b: Tensor, c: Tensor) -> tuple[Tensor, Tensor]:
    """The mean direction and the concentration of the second angle, given the first."""
    sine = c * torch.sin(x)
    return torch.atan2(sine, b), (b.square() + sine.square()).sqrt()


def log_normaliser(a: Tensor, b: Tensor, c: Tensor) -> Tensor:
    """The logarithm of the integral of the model's density over both angles, divided by ``exp(a + b)``.

    Shape: that of ``a``, ``b`` and ``c``.
    """
    edges = _panels(a, c, b)
    logs = _log_masses(edges[..., :-1], edges[..., 1:], _unsqueezed((a, b, c)))
    return torch.logsumexp(logs, -1) + math.log(4 * math.pi)


def random_first_angles(uniform: Tensor, sign: Tensor, a: Tensor, b: Tensor, c: Tensor) -> Tensor:
    """The quantiles of the first angle's size at numbers in (0, 1), times signs.

    Shape: numbers and signs ``(*sample, *batch)``, parameters ``(*batch,)``.
    """
    edges = _panels(a, c, b)
    logs = _log_masses(edges[..., :-1], edges[..., 1:], _unsqueezed((a, b, c)))
    ends = torch.softmax(logs, -1).cumsum(-1)
    ends = ends / ends[..., -1:]
    panel = (ends < uniform.unsqueeze(-1)).sum(-1, keepdim=True).clamp(max=ends.shape[-1] - 1)
    begins = torch.cat([torch.zeros_like(ends[..., :1]), ends[..., :-1]], -1)

    def chosen(table: Tensor) -> Tensor:
        return table.expand(*panel.shape[:-1], table.shape[-1]).gather(-1, panel).squeeze(-1)

    low, high, begin, end = map(chosen, (edges[..., :-1], edges[..., 1:], begins, ends))
    share = ((uniform - begin) / (end - begin)).clamp(0, 1)
    return sign * _within(low, high, share, (a, b, c))


def _within(low: Tensor, high: Tensor, share: Tensor, model: _Model) -> Tensor:
    """Where the mass from the lower end is a share of the interval's: Newton's method, or halving where it leaves."""
    target = _log_masses(low, high, model, points=6) + share.log()
    left, right = low, high
    x = low + (high - low) * share
    for _ in range(_STEPS):
        log_mass = _log_masses(low, x, model, points=6)
        below = log_mass < target
        left, right = torch.where(below, x, left), torch.where(below, right, x)
        # the mass is that of the target, by its logarithm, of which the slope is density / mass
        newton = x - (log_mass - target) * (log_mass - _log_density(x, model)).exp()
        inside = (newton >= left) & (newton <= right)
        x = torch.where(inside, newton, (left + right) / 2)
    return x


def _unsqueezed(model: _Model) -> _Model:
    a, b, c = model
    return a.unsqueeze(-1), b.unsqueeze(-1), c.unsqueeze(-1)


def _log_density(x: Tensor, model: _Model) -> Tensor:
    """Up to the factor exp(a + b), which may be large."""
    a, b, c = model
    sine = torch.sin(x)
    z = (b.square() + (c * sine).square()).sqrt()
    above = (c * sine).square() / (z + b)  # z - b
    log_bessel: Tensor = torch.special.i0e(z).log()
    return above - 2 * a * torch.sin(x / 2).square() + log_bessel


def _log_masses(low: Tensor, high: Tensor, model: _Model, points: int = 12) -> Tensor:
    places, weights = (torch.tensor(each, dtype=low.dtype, device=low.device) for each in _RULES[points])
    half = (high - low).unsqueeze(-1) / 2
    x = low.unsqueeze(-1) + half * (1 + places)
    log_weights = (half * weights).clamp(min=1e-300).log()  # an interval may be empty
    return torch.logsumexp(_log_density(x, _unsqueezed(model)) + log_weights, -1)


def _panels(a: Tensor, c: Tensor, b: Tensor) -> Tensor:
    """Edges of intervals that cover [0, pi] from the peak outwards. Shape: ``(*batch, edges)``.

    The peak is where it lies for large concentrations: elsewhere the density is smooth, and it does not matter. The
    first panels are as narrow as any peak. No derivative goes through edges, as integrals do not depend on them.
    """
    a, b, c = a.detach(), b.detach(), c.detach()
    square = c.square()
    # sqrt(b**2 + square * sin**2) + a * cos has its peak at zero if square <= a * b
    cosine = a * ((b.square() + square) / (square * (a.square() + square)).clamp(min=1e-300)).sqrt()
    peak = torch.acos(cosine.clamp(max=1)).unsqueeze(-1)
    width = (1 + a + c.abs()).rsqrt().unsqueeze(-1)
    offsets = torch.tensor(_OFFSETS, dtype=a.dtype, device=a.device)
    inner = (peak + width * offsets).clamp(0, math.pi)
    return torch.cat([torch.zeros_like(peak), inner, torch.full_like(peak, math.pi)], -1)

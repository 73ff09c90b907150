r"""Exact derivatives of first order of draws of gamma and Dirichlet distributions, in double precision.

A draw x of a distribution function F with density f moves by :math:`dx / da = -(\partial F / \partial a) / f` at a
fixed mass below it *(Figurnov, Mohamed and Mnih 2018)*. F is a density times an integral over the tail that does not
contain the mean (`log_concave_tail`), so the derivative is that integral times a difference of means. Torch's own
derivatives are rational approximations, which are off by up to 1e-3.
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn.functional import logsigmoid

from virgil.ops.log_concave_tail import tail_integrals

__all__ = ["moving_dirichlet_draws", "moving_gamma_draws"]

_NODES = 64


def moving_gamma_draws(draw: Tensor, concentration: Tensor) -> Tensor:
    """Draws of rate 1, with their derivatives by the concentrations. Shape: that of both, which are the same."""
    a = concentration.detach()
    return draw + _gamma_velocity(draw, a) * (concentration - a)


def _gamma_velocity(draw: Tensor, a: Tensor) -> Tensor:
    """The derivative of a draw by its concentration, without a graph."""
    tiny = torch.finfo(draw.dtype).tiny
    x = draw.clamp_min(tiny)
    sign = torch.where(x < a.clamp_min(1.0), -1.0, 1.0).to(x)  # of the steps into the tail, in the logarithm of x
    step, shape, rate = sign.unsqueeze(-1), a.unsqueeze(-1), x.unsqueeze(-1)

    def terms(s: Tensor) -> tuple[Tensor, Tensor]:
        steps = step * s
        return shape * steps - rate * torch.expm1(steps), steps

    mass, steps = tail_integrals(terms, x, _NODES)
    return torch.where(draw > tiny, x * sign * (mass * (x.log() - torch.digamma(a)) + steps), 0.0)


def moving_dirichlet_draws(draw: Tensor, concentration: Tensor) -> Tensor:
    """Vectors on the simplex, with their derivatives by the concentrations. Shape: ``(*batch, n)`` each.

    An entry is a beta variable, and the others stay in proportion as it moves.
    """
    a = concentration.detach()
    moved = draw * _logit_velocity(draw, a) * (concentration - a)
    return draw + moved - draw * moved.sum(-1, keepdim=True)


def _logit_velocity(draw: Tensor, a: Tensor) -> Tensor:
    """The derivative of the logit of each entry by its concentration."""
    b = a.sum(-1, keepdim=True) - a
    small = draw <= 0.5
    others = torch.where(small, draw, 0.0).sum(-1, keepdim=True)  # of the one entry that is not small
    tiny = torch.finfo(draw.dtype).tiny
    y = draw.clamp_min(tiny).log() - torch.where(
        small, torch.log1p(-torch.where(small, draw, 0.0)), others.clamp_min(tiny).log()
    )
    below = y < a.clamp_min(1.0).log() - b.clamp_min(1.0).log()
    sign = torch.where(below, -1.0, 1.0).to(y)
    start, step = y.unsqueeze(-1), sign.unsqueeze(-1)
    log_x, log_rest, power, other = logsigmoid(start), logsigmoid(-start), a.unsqueeze(-1), b.unsqueeze(-1)

    def terms(s: Tensor) -> tuple[Tensor, Tensor]:
        here = start + step * s
        below = logsigmoid(here)
        # logsigmoid(-y) is logsigmoid(y) - y
        return power * (below - log_x) + other * (below - here - log_rest), below

    mass, logs = tail_integrals(terms, y, _NODES)
    return sign * (logs - (torch.digamma(a) - torch.digamma(a + b)) * mass)

r"""Draws of mixtures of normal vectors with independent entries, and their pathwise derivatives.

A draw x moves with a parameter :math:`\theta` by any velocity v with :math:`\partial_\theta q + \nabla \cdot (q v) = 0`
*(Jankowiak and Obermeyer 2018)*. For the location and the scales of one component that is the component's own velocity
times its share of the density at x. For the weights it is that of the map from x to uniform numbers by the conditional
distribution functions of its entries, each given the entries before it *(Rosenblatt 1952; Graves 2016)*, by implicit
differentiation.

Arguments are alike in all functions: ``locs`` are means and ``scales`` standard deviations, Shape: ``(*batch,
components, n)``; ``logits`` are logarithms of weights up to a constant, Shape: ``(*batch, components)``.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor

from virgil.ops.gradient_graph import wants_derivative

__all__ = ["diagonal_mixture_draws", "diagonal_mixture_log_density"]


def diagonal_mixture_log_density(value: Tensor, locs: Tensor, scales: Tensor, logits: Tensor) -> Tensor:
    """The log-density of a mixture at vectors. Shape: ``(*batch, n)`` to ``(*batch,)``."""
    parts = _log_normals(value, locs, scales).sum(-1)
    return torch.logsumexp(torch.log_softmax(logits, -1) + parts, -1)


def diagonal_mixture_draws(locs: Tensor, scales: Tensor, logits: Tensor) -> Tensor:
    """One draw for each batch entry, with a first derivative along its path. Shape: ``(*batch, n)``."""
    fixed = locs.detach(), scales.detach(), logits.detach()
    value = _drawn(*fixed)
    if not wants_derivative(locs, scales, logits):
        return value
    shares = torch.softmax(fixed[2] + _log_normals(value, *fixed[:2]).sum(-1), -1).unsqueeze(-1)
    standard = (value.unsqueeze(-2) - fixed[0]) / fixed[1]
    moved = locs - fixed[0] + (scales - fixed[1]) * standard
    by_weights = _velocity_of_logits(value, *fixed) @ (logits - fixed[2]).unsqueeze(-1)
    return value + (shares * moved).sum(-2) + by_weights.squeeze(-1)


def _drawn(locs: Tensor, scales: Tensor, logits: Tensor) -> Tensor:
    # the largest of logits with Gumbel noise has the distribution of a label
    noise = -torch.empty_like(logits).exponential_().log()
    label = (logits + noise).argmax(-1, keepdim=True).unsqueeze(-1).expand(locs[..., :1, :].shape)
    chosen = locs.gather(-2, label).squeeze(-2)
    return chosen + scales.gather(-2, label).squeeze(-2) * torch.randn_like(chosen)


def _log_normals(value: Tensor, locs: Tensor, scales: Tensor) -> Tensor:
    standard = (value.unsqueeze(-2) - locs) / scales
    return -standard.square() / 2 - scales.log() - math.log(2 * math.pi) / 2


def _velocity_of_logits(value: Tensor, locs: Tensor, scales: Tensor, logits: Tensor) -> Tensor:
    r"""How each entry moves with each logit, the uniform numbers fixed. Shape: ``(*batch, n, components)``.

    With shares w of the components given the entries before, the uniform number of entry d is :math:`F = \sum_k w_k
    \Phi_k`. Its derivatives by logits are :math:`w_k (\Phi_k - F)`, and by the entry j before it :math:`\sum_k w_k
    (\Phi_k - F) \partial_j \log N_k`.
    """
    logs = _log_normals(value, locs, scales)
    before = logs.cumsum(-1) - logs
    shares = torch.softmax(logits.unsqueeze(-1) + before, -2)
    standard = (value.unsqueeze(-2) - locs) / scales
    # of both tails the lighter one, where a difference of probabilities keeps its digits
    upper = torch.special.ndtr(-standard)
    lower = torch.special.ndtr(standard)
    is_upper = (shares * lower).sum(-2, keepdim=True) > 0.5
    tail = torch.where(is_upper, -upper, lower)
    by_logits = shares * (tail - (shares * tail).sum(-2, keepdim=True))
    by_entries = by_logits.mT @ (-standard / scales)
    density = (shares * logs.exp()).sum(-2)
    triangle = by_entries.tril(-1) / density.unsqueeze(-1)
    unit = torch.eye(value.shape[-1], dtype=value.dtype, device=value.device)
    right = -by_logits.mT / density.unsqueeze(-1)
    velocity: Tensor = torch.linalg.solve_triangular(triangle + unit, right, upper=False, unitriangular=True)
    return velocity

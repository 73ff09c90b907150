"""Gaussian processes with Matern kernels as linear stochastic differential equations."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from virgil.errors import ArgumentError

__all__ = ["STATES", "matern_stationary", "matern_transition"]

STATES = {0.5: 1, 1.5: 2, 2.5: 3}
"""By the kernel's order, the size of the state: the process and its derivatives."""


def matern_transition(nu: float, length_scale: Tensor, dt: Tensor | float) -> Tensor:
    r"""The matrix that takes the state to its mean after a time, from the right.

    The state is the process and its derivatives, and :math:`F` the companion matrix of :math:`(x + \lambda)^p` with
    :math:`\lambda = \sqrt{2 \nu} / \ell` *(Hartikainen and Sarkka 2010, section 3.1)*. Since :math:`N = F + \lambda I`
    has :math:`N^p = 0`, the exponential is :math:`e^{-\lambda t} (I + N t + N^2 t^2 / 2)`.

    Args:
        nu: the order, 0.5, 1.5 or 2.5.
        length_scale: the unit of time of the kernel. Shape: ``batch``.
        dt: the time.

    Returns:
        Shape: ``(*batch, states, states)``.

    Raises:
        ArgumentError: another order.
    """
    size, rate = _states(nu), math.sqrt(2 * nu) / length_scale
    time = torch.as_tensor(dt, dtype=rate.dtype, device=rate.device)
    powers = [-math.comb(size, power) * rate ** (size - power) for power in range(size)]
    last = torch.nn.functional.pad(torch.stack(powers, -1).unsqueeze(-2), (0, 0, size - 1, 0))
    identity = torch.eye(size, dtype=rate.dtype, device=rate.device)
    nilpotent = (identity.roll(1, -1).triu(1) + last + rate[..., None, None] * identity) * time[..., None, None]
    total, term = identity + nilpotent, nilpotent
    for power in range(2, size):
        term = term @ nilpotent / power
        total = total + term
    transposed: Tensor = ((-rate * time).exp()[..., None, None] * total).mT
    return transposed


def matern_stationary(nu: float, length_scale: Tensor, kernel_scale: Tensor) -> Tensor:
    """The covariance of the state at any one time *(Hartikainen and Sarkka 2010, section 3.1)*.

    Args:
        nu: the order, 0.5, 1.5 or 2.5.
        length_scale: the unit of time of the kernel. Shape: ``batch``.
        kernel_scale: the standard deviation of the process. Shape: ``batch``.

    Returns:
        Shape: ``(*batch, states, states)``.

    Raises:
        ArgumentError: another order.
    """
    size, squared_rate = _states(nu), 2 * nu / length_scale.square()
    variance = kernel_scale.square()
    if size == 1:
        return variance[..., None, None]
    if size == 2:
        return torch.diag_embed(torch.stack([variance, variance * squared_rate], -1))
    slope, none = variance * squared_rate / 3, torch.zeros_like(variance)
    rows = [variance, none, -slope, none, slope, none, -slope, none, variance * squared_rate.square()]
    covariance: Tensor = torch.stack(rows, -1).unflatten(-1, (3, 3))
    return covariance


def _states(nu: float) -> int:
    if nu not in STATES:
        raise ArgumentError(f"A Matern kernel got nu={nu}; as a differential equation it takes 0.5, 1.5 or 2.5.")
    return STATES[nu]

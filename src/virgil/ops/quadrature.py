"""Integrals over the standard normal distribution as weighted sums."""

from __future__ import annotations

import math

import numpy as np
import torch
from torch import Tensor

from virgil.errors import ArgumentError, shown

__all__ = ["get_quad_rule"]


def get_quad_rule(num_quad: int, prototype_tensor: Tensor) -> tuple[Tensor, Tensor]:
    r"""Points and log-weights with :math:`E f(X) \approx \sum_i w_i f(x_i)` for a standard normal :math:`X`.

    This is Gauss-Hermite quadrature, exact for polynomials of a degree up to ``2 num_quad - 1``
    *(Golub and Welsch 1969)*.

    Args:
        num_quad: how many points.
        prototype_tensor: a tensor with the dtype and device of the result.

    Returns:
        Points, and logarithms of weights. Shape: ``(num_quad,)`` each.

    Raises:
        ArgumentError: not a positive number of points.

    >>> points, log_weights = get_quad_rule(8, torch.zeros(()))
    >>> (log_weights.exp() * points**4).sum().round(decimals=4)
    tensor(3.)
    """
    if num_quad < 1:
        raise ArgumentError(f"get_quad_rule got num_quad={shown(num_quad)}; it must be positive.")
    points, weights = np.polynomial.hermite_e.hermegauss(num_quad)
    log_weights = np.log(weights) - math.log(2 * math.pi) / 2
    return torch.from_numpy(points).to(prototype_tensor), torch.from_numpy(log_weights).to(prototype_tensor)

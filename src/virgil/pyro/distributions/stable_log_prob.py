"""How old programs set the quadrature of stable densities."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor

from virgil.distributions.continuous.stable import Stable
from virgil.errors import ArgumentError, shown

__all__ = ["create_integrator", "integrate", "set_integrator"]

LogFunction = Callable[[Tensor], Tensor]


def create_integrator(num_points: int) -> Callable[[LogFunction, Tensor], Tensor]:
    """A function that integrates over intervals by Gauss-Legendre quadrature, in logarithms.

    It takes the logarithm of an integrand and a tensor of lower and upper ends, Shape: ``(2, *batch)``; the integrand
    is called with the points, Shape: ``(num_points, *batch)``. It returns the logarithms of the integrals.

    Args:
        num_points: how many points.

    Raises:
        ArgumentError: not a positive number of points.
    """
    points, weights = np.polynomial.legendre.leggauss(_checked(num_points))

    def integrate(fn: LogFunction, domain: Tensor) -> Tensor:
        low, high = domain.unbind(0)
        half = (high - low) / 2
        shape = (num_points,) + (1,) * half.dim()
        at = torch.from_numpy(points).reshape(shape).to(half.device)
        log_weights = torch.from_numpy(np.log(weights)).reshape(shape).to(half.device)
        return torch.logsumexp(fn(low + half * (at + 1)) + log_weights, 0) + half.log()

    return integrate


def integrate(fn: LogFunction, domain: Tensor) -> Tensor:
    """The logarithms of integrals by as many points as `set_integrator` was given; see `create_integrator`."""
    return create_integrator(Stable.num_points)(fn, domain)


def set_integrator(num_points: int) -> None:
    """Let the densities of stable distributions be integrals of this many points, which is `Stable.num_points`.

    Args:
        num_points: how many points.

    Raises:
        ArgumentError: not a positive number of points.
    """
    Stable.num_points = _checked(num_points)


def _checked(num_points: int) -> int:
    if num_points < 1:
        raise ArgumentError(f"A quadrature got num_points={shown(num_points)}; it must be positive.")
    return num_points

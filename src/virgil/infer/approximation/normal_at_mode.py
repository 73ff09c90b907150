"""The normal at a mode that has its curvature: Laplace's approximation."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from virgil.errors import ArgumentError
from virgil.infer.approximation.modes import climbs, curvatures
from virgil.infer.approximation.surface import Surface
from virgil.ops.newton_cg import Point, newton_cg

__all__ = ["NormalAtMode", "fit_normal_at_mode"]

_STEPS = 100


@dataclass(frozen=True, eq=False)
class NormalAtMode:
    """A normal in unconstrained space.

    Attributes:
        loc: the mode. Shape: ``(dim,)``.
        scale_tril: Cholesky factor of the covariance. Shape: ``(dim, dim)``.
        log_mass: Laplace's approximation of the evidence, nats.
        losses: minus the log-density, by step, nats.
        norms: of its gradient.
        arrived: whether another step would have changed nothing.
    """

    loc: Tensor
    scale_tril: Tensor
    log_mass: float
    losses: tuple[float, ...]
    norms: tuple[float, ...]
    arrived: bool


def fit_normal_at_mode(surface: Surface, starts: Tensor) -> NormalAtMode:
    r"""The normal at the mode with the largest mass, of those to which climbs from ``starts`` lead.

    Its covariance is minus the inverse of the Hessian :math:`H` of the log-density there, and its mass
    :math:`\log p(x, \hat u) + \frac{d}{2} \log 2 \pi - \frac{1}{2} \log \lvert -H \rvert` *(Tierney and Kadane 1986)*.

    Raises:
        ArgumentError: none of them has a Hessian that is negative definite.
    """
    peaks = [_peak(surface, path.places, path.values) for path in climbs(surface, starts)]
    found = [peak for peak in peaks if peak is not None]
    if not found:
        raise ArgumentError(
            "Laplace found no mode with a curvature in all directions, from "
            f"{len(starts)} starts: the log-density of the unconstrained variables has a ridge, or grows without "
            "bound. Use DADVI, which needs no mode, or priors that are proper."
        )
    return max(found, key=lambda each: each.log_mass)


def _peak(surface: Surface, places: Tensor, values: Tensor) -> NormalAtMode | None:
    """The normal at the mode that Newton's method finds from the end of a climb; ``None`` where there is none."""
    centre = places[-1]
    unit = curvatures(surface, centre).rsqrt()

    def point_at(place: Tensor) -> Point:
        at = surface.at((centre + unit * place).unsqueeze(0))
        return Point(
            -float(at.values), -unit * at.slopes[0], lambda move: -unit * at.product((unit * move).unsqueeze(0))[0]
        )

    minimum = newton_cg(point_at, torch.zeros_like(centre), max_steps=_STEPS)
    loc = centre + unit * minimum.place
    precision = -surface.hessian(loc) * unit * unit.unsqueeze(1)
    factor, failed = torch.linalg.cholesky_ex(precision)
    if int(failed) or not bool(factor.isfinite().all()):
        return None
    covariance = torch.cholesky_inverse(factor) * unit * unit.unsqueeze(1)
    scale_tril, failed = torch.linalg.cholesky_ex(covariance)
    if int(failed):
        return None
    log_mass = -minimum.point.value + len(loc) / 2 * math.log(2 * math.pi) + float(scale_tril.diagonal().log().sum())
    losses = tuple(values.tolist()) + minimum.values[1:]
    norms = minimum.norms
    return NormalAtMode(loc, scale_tril, log_mass, losses, norms, minimum.arrived)

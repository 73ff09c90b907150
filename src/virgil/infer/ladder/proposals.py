"""Mixtures to begin with: normals at the modes, and the mean-field normal with linear response."""

from __future__ import annotations

import torch
from torch import Tensor

from virgil.errors import NonFiniteError
from virgil.infer.approximation.corrected import NUM_DRAWS
from virgil.infer.approximation.linear_response import linear_response
from virgil.infer.approximation.mean_field import fit_mean_field, fixed_noise
from virgil.infer.approximation.modes import climbs, curvatures
from virgil.infer.approximation.surface import Surface
from virgil.ops.student_mixture import StudentMixture

__all__ = ["at_modes", "by_linear_response"]

_FLATTEST = 1e-4  # curvature in units of the diagonal's: in a direction without any the mixture is so wide
_LEAST_SHARE = 1e-3


def at_modes(surface: Surface, starts: Tensor) -> StudentMixture:
    """A component at the end of each climb, with the curvature there, by Laplace's masses.

    Raises:
        NonFiniteError: no climb ends at a place where the density is finite.
    """
    tops = [path.places[-1] for path in climbs(surface, starts)]
    if not tops:
        raise NonFiniteError(
            f"The log-density is not finite at any of {len(starts)} places where the fit begins. Look at the priors "
            "and data with virgil.explain(), and see that the observations are in the likelihood's support."
        )
    factors = [_factor(surface, top) for top in tops]
    masses = torch.stack(
        [
            surface.value(top.unsqueeze(0))[0] + each.diagonal().log().sum()
            for top, each in zip(tops, factors, strict=True)
        ]
    )
    shares = masses.softmax(0).clamp_min(_LEAST_SHARE)
    return StudentMixture(shares / shares.sum(), torch.stack(tops), torch.stack(factors))


def by_linear_response(surface: Surface, starts: Tensor, seed: int) -> StudentMixture:
    """One component with the means of the best mean-field normal and the covariance of linear response.

    Raises:
        NonFiniteError: the density is not finite where the fit begins.
        ArgumentError: the fit leads to no minimum.
    """
    noise = fixed_noise(NUM_DRAWS, surface.dim, seed)
    found = fit_mean_field(surface, noise, starts)
    covariance = linear_response(surface, noise, found, list(range(surface.dim))).covariance
    factor, failed = torch.linalg.cholesky_ex(covariance)
    if int(failed) or not bool(factor.isfinite().all()):
        factor = found.scale.diag()
    return StudentMixture(torch.ones(1, dtype=torch.float64), found.loc.unsqueeze(0), factor.unsqueeze(0))


def _factor(surface: Surface, place: Tensor) -> Tensor:
    """A factor of minus the inverse Hessian; in directions in which the density rises, of the curvature's size."""
    unit, dim = curvatures(surface, place).rsqrt(), len(place)
    hessian = surface.at(place.expand(dim, -1)).product(torch.eye(dim, dtype=torch.float64))
    precision = -(hessian + hessian.mT) / 2 * unit * unit.unsqueeze(1)
    if not bool(precision.isfinite().all()):
        return unit.diag()
    sizes, axes = torch.linalg.eigh(precision)
    covariance = axes / sizes.abs().clamp_min(_FLATTEST) @ axes.mT * unit * unit.unsqueeze(1)
    factor, failed = torch.linalg.cholesky_ex(covariance)
    return unit.diag() if int(failed) else factor

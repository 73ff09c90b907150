"""Covariances from how a mean-field optimum responds when the posterior is tilted."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from virgil.errors import ArgumentError
from virgil.infer.approximation.mean_field import FixedDraws, MeanField
from virgil.infer.approximation.surface import Curved, Surface
from virgil.ops.conjugate_gradients import conjugate_gradients
from virgil.ops.newton_cg import Point

__all__ = ["Response", "linear_response"]

_DENSE = 200  # entries, up to which the matrix is built and factorised


@dataclass(frozen=True, eq=False)
class Response:
    """The response of a mean-field optimum's location.

    Attributes:
        covariance: of the chosen entries. Shape: ``(chosen, chosen)``.
        sampling_sd: by how much their locations vary with the choice of the fixed draws. Shape: ``(chosen,)``.
    """

    covariance: Tensor
    sampling_sd: Tensor


def linear_response(
    surface: Surface, noise: Tensor, fit: MeanField, chosen: Sequence[int], *, dense: bool | None = None
) -> Response:
    r"""Linear-response covariances at a minimum of the bound on fixed draws.

    With :math:`H` the Hessian of the bound in all parameters, the covariance is the block of :math:`H^{-1}` that
    belongs to the locations *(Giordano, Broderick and Jordan 2018, section 3)*: their derivative with respect to
    a tilt of the posterior. It is exact where the posterior is normal. The locations' variances under another choice of
    :math:`P` independent pairs of draws are the diagonal of :math:`H^{-1} V H^{-1} / P`, with :math:`V` the covariance
    of the bound's gradient from pair to pair *(Giordano, Ingram and Broderick 2024, section 3)*; draws with exact
    second moments vary less.

    Args:
        surface: the posterior.
        noise: the draws.
        fit: the minimum.
        chosen: entries of the vector.
        dense: whether to build the matrix. Default: up to 200 entries; beyond, conjugate gradients solve for the chosen
            ones.

    Raises:
        ArgumentError: it is no minimum: the Hessian is not positive definite.
    """
    bound = FixedDraws(surface, noise, fit.loc, fit.scale)
    at, point = bound.at(torch.zeros(2 * surface.dim, dtype=torch.float64))
    places = torch.tensor(list(chosen))
    if dense or (dense is None and surface.dim <= _DENSE):
        rows = _solved(_hessian(bound, at), places)
    else:
        rows = torch.stack([_by_products(point, _unit(2 * surface.dim, place)) for place in chosen])
    unit = bound.unit[places]
    covariance = rows[:, places] * unit * unit.unsqueeze(1)
    slopes = torch.cat([at.slopes * bound.unit, at.slopes * noise * bound.unit + 1], 1)
    pairs = (slopes[: len(noise) // 2] + slopes[len(noise) // 2 :]) / 2
    sampling_sd = (pairs @ rows.T).std(0) / len(pairs) ** 0.5 * unit
    return Response((covariance + covariance.T) / 2, sampling_sd)


def _unit(size: int, place: int) -> Tensor:
    unit = torch.zeros(size, dtype=torch.float64)
    unit[place] = 1.0
    return unit


def _hessian(bound: FixedDraws, at: Curved) -> Tensor:
    """The Hessian of the bound in units of the scales. Shape: ``(2 dim, 2 dim)``."""
    noise, unit, dim = bound.noise, bound.unit, len(bound.unit)
    found = torch.zeros(2 * dim, 2 * dim, dtype=torch.float64)
    for place in range(dim):
        column = at.product(_unit(dim, place).expand_as(noise)) * unit * unit[place]
        tilted = noise[:, place : place + 1] * column
        found[:dim, place] = -column.mean(0)
        found[dim:, place] = -(column * noise).mean(0)
        found[:dim, dim + place] = -tilted.mean(0)
        found[dim:, dim + place] = -(tilted * noise).mean(0)
    found[dim:, dim:] -= torch.diag((at.slopes * noise).mean(0) * unit)
    return (found + found.T) / 2


def _solved(hessian: Tensor, places: Tensor) -> Tensor:
    factor, failed = torch.linalg.cholesky_ex(hessian)
    if int(failed):
        raise _no_minimum()
    return torch.cholesky_inverse(factor)[places]


def _by_products(point: Point, right: Tensor) -> Tensor:
    # in units of the scales a normal posterior has curvatures 1 and 2
    diagonal = torch.ones_like(right)
    diagonal[len(right) // 2 :] = 2.0
    try:
        return conjugate_gradients(point.product, right, diagonal)
    except ArgumentError:
        raise _no_minimum() from None


def _no_minimum() -> ArgumentError:
    return ArgumentError(
        "There is no linear response: the mean-field normal is at no minimum of its bound, where the Hessian would be "
        "positive definite. The posterior may be improper, or have two modes that merge; look at fit.check()."
    )

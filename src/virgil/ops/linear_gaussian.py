"""Chains of states with linear maps and normal noise: what observations say of them, in logarithmic depth.

A stretch of a chain is the likelihood of its first state times the distribution of its last state given the first. The
likelihood is in information form and the distribution in moments, so that noise may be as small, and a start as
uncertain, as one likes *(Sarkka and Garcia-Fernandez 2021, section IV)*. Vectors are columns; dim -3 is time, of size 1
where nothing depends on the step.
"""

from __future__ import annotations

from typing import Any, NamedTuple, TypeVar

import torch
from torch import Tensor

from virgil.ops.affine_recurrence import applied
from virgil.ops.associative_scan import Parts, fold, reverse, trajectory

__all__ = [
    "Likelihood",
    "Moments",
    "Transition",
    "advanced",
    "conditioned",
    "filtered",
    "following",
    "of_steps",
    "posterior_chain",
    "series_density",
]

_Parts = TypeVar("_Parts", "Likelihood", "Transition")


class Moments(NamedTuple):
    """The mean and the covariance of a state. Shape: ``(*batch, 1, size, 1)`` and ``(*batch, 1, size, size)``."""

    mean: Tensor
    covariance: Tensor


class Transition(NamedTuple):
    """The distribution of a state given the one before it: normal, with mean ``matrix @ before + offset``."""

    matrix: Tensor
    offset: Tensor
    covariance: Tensor


class Likelihood(NamedTuple):
    r"""The function :math:`\exp(v + e + x^T \eta - \tfrac12 x^T \Lambda x)` of a state.

    A factor of the precision of all noise multiplies all but the ``volume``. Both numbers have shape
    ``(*batch, time, 1, 1)``.
    """

    vector: Tensor
    precision: Tensor
    energy: Tensor
    volume: Tensor


class _Product(NamedTuple):
    """The product of a normal density and a likelihood: its share of the integral, and the normal density that it is.

    ``inverse`` is that of ``1 + covariance @ precision`` and ``slope`` the derivative of the likelihood at the mean.
    """

    inverse: Tensor
    slope: Tensor
    moments: Moments
    energy: Tensor
    volume: Tensor


def advanced(state: Moments, step: Transition) -> Moments:
    """The state after a step."""
    mean = applied(step.matrix, state.mean) + step.offset
    return Moments(mean, step.matrix @ state.covariance @ step.matrix.mT + step.covariance)


def conditioned(state: Moments, likelihood: Likelihood) -> tuple[Moments, Tensor, Tensor]:
    """The state given an observation, and the logarithm of the observation's density, as energy and volume."""
    product = _product(state.mean, state.covariance, likelihood)
    return product.moments, product.energy, product.volume


def of_steps(parts: _Parts, steps: slice) -> _Parts:
    """The parts of some steps; a part that is the same in all steps is kept."""
    cut: list[Any] = [each[..., steps, :, :] if each.shape[-3] > 1 else each for each in parts]
    return type(parts)(*cut)


def following(parts: _Parts) -> _Parts:
    """In the place of each step the one after it, and the first one in the place of the last."""
    rolled: list[Any] = [each.roll(-1, -3) if each.shape[-3] > 1 else each for each in parts]
    return type(parts)(*rolled)


def series_density(first: Moments, likelihood: Likelihood, moves: Transition, count: int) -> tuple[Tensor, Tensor]:
    """The logarithm of the density of all observations, as energy and volume.

    Args:
        first: the first observed state, before its observation.
        likelihood: of all states.
        moves: from each state to the next. What the one from the last state is makes no difference.
        count: the number of states.
    """
    return conditioned(first, _folded(likelihood, moves, count)[0])[1:]


def filtered(
    first: Moments, likelihood: Likelihood, moves: Transition, last: Likelihood, count: int
) -> tuple[Moments, Tensor, Tensor]:
    """The last state given the observations, and the logarithm of their density, as energy and volume.

    Args:
        first: the first observed state, before its observation.
        likelihood: of all states but the last.
        moves: from each state to the next.
        last: the likelihood of the last state.
        count: the number of states.
    """
    if count == 1:
        return conditioned(first, last)
    stretch, move = _folded(likelihood, moves, count - 1)
    state, energy, volume = conditioned(first, stretch)
    state, last_energy, last_volume = conditioned(advanced(state, move), last)
    return state, energy + last_energy, volume + last_volume


def posterior_chain(start: Moments, step: Transition, likelihood: Likelihood, count: int) -> tuple[Moments, Transition]:
    """The chain given the observations of all its states but the first, which is a chain of the same kind.

    Args:
        start: the first state, which is not observed.
        step: the moves.
        likelihood: of the state after each move.
        count: how many moves there are.
    """
    zero = Likelihood(*(torch.zeros_like(each[..., :1, :, :]) for each in likelihood))
    reversed_parts = reverse((*likelihood, *following(step)))
    backward = trajectory(reversed_parts, count, lambda later, first: _composed(first, later), _pulled, zero)
    later = Likelihood(*reverse(backward))
    before = _pulled((*zero, *of_steps(step, slice(None, 1))), of_steps(later, slice(None, 1)))
    given = _product(step.offset, step.covariance, later)
    moves = Transition(given.inverse @ step.matrix, *given.moments)
    return conditioned(start, Likelihood(*before))[0], moves


def _product(mean: Tensor, covariance: Tensor, likelihood: Likelihood) -> _Product:
    inverse, log_det = _inverse(covariance @ likelihood.precision)
    slope = likelihood.vector - applied(likelihood.precision, mean)
    spread = inverse @ covariance
    new = mean + applied(spread, slope)
    energy = likelihood.energy + (slope * new + mean * likelihood.vector).sum(-2, keepdim=True) / 2
    return _Product(inverse, slope, Moments(new, spread), energy, likelihood.volume - log_det / 2)


def _folded(likelihood: Likelihood, moves: Transition, count: int) -> tuple[Likelihood, Transition]:
    parts = fold((*likelihood, *moves), count, _composed)
    return Likelihood(*parts[:4]), Transition(*parts[4:])


def _composed(first: Parts, second: Parts) -> Parts:
    """Two stretches as one; the state between them is integrated out."""
    step, next_step = Transition(*first[4:]), Transition(*second[4:])
    product = _product(step.offset, step.covariance, Likelihood(*second[:4]))
    moved = product.inverse @ step.matrix
    last = advanced(product.moments, next_step)
    return (
        *_likelihood_before(Likelihood(*first[:4]), step, second[1], product, moved),
        next_step.matrix @ moved,
        *last,
    )


def _pulled(stretch: Parts, after: Parts) -> Parts:
    """The likelihood of the first state of a stretch, given that of its last."""
    step = Transition(*stretch[4:])
    product = _product(step.offset, step.covariance, Likelihood(*after))
    return _likelihood_before(Likelihood(*stretch[:4]), step, after[1], product, product.inverse @ step.matrix)


def _likelihood_before(
    own: Likelihood, step: Transition, precision: Tensor, product: _Product, moved: Tensor
) -> Likelihood:
    return Likelihood(
        own.vector + applied(moved.mT, product.slope),
        own.precision + (precision @ step.matrix).mT @ moved,
        own.energy + product.energy,
        own.volume + product.volume,
    )


def _inverse(matrix: Tensor) -> tuple[Tensor, Tensor]:
    """The inverse of 1 plus a product of two positive semidefinite matrices, and its log-determinant."""
    size = matrix.shape[-1]
    if size == 1:
        return (1 + matrix).reciprocal(), matrix.log1p()
    identity = torch.eye(size, dtype=matrix.dtype, device=matrix.device)
    factors, pivots, _ = torch.linalg.lu_factor_ex(matrix + identity)
    log_det = factors.diagonal(dim1=-2, dim2=-1).abs().log().sum(-1)[..., None, None]
    return torch.linalg.lu_solve(factors, pivots, identity.expand(factors.shape)), log_det

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
from virgil.ops.associative_scan import Parts, reverse, trajectory
from virgil.ops.inverse_and_log_det import inverse_and_log_det

__all__ = [
    "Evidence",
    "Likelihood",
    "Moments",
    "Transition",
    "advanced",
    "conditioned",
    "following",
    "of_steps",
    "posterior_chain",
    "total",
]

_Parts = TypeVar("_Parts", "Likelihood", "Transition")


class Moments(NamedTuple):
    """The mean and the covariance of a state. Shape: ``(*batch, time, size, 1)`` and ``(*batch, time, size, size)``."""

    mean: Tensor
    covariance: Tensor


class Transition(NamedTuple):
    """The distribution of a state given the one before it: normal, with mean ``matrix @ before + offset``."""

    matrix: Tensor
    offset: Tensor
    covariance: Tensor


class Likelihood(NamedTuple):
    r"""The function :math:`\exp(x^T \eta - \tfrac12 x^T \Lambda x)` of a state ``x``, but for a number."""

    vector: Tensor
    precision: Tensor


class Evidence(NamedTuple):
    """The logarithm of a number, in two parts: a factor of the precision of all noise multiplies the ``energy``."""

    energy: Tensor
    volume: Tensor

    def plus(self, other: Evidence) -> Evidence:
        """The logarithm of the product of two numbers."""
        return Evidence(self.energy + other.energy, self.volume + other.volume)


class _Product(NamedTuple):
    """The product of a normal density and a likelihood: the normal density that it is, and its integral.

    ``inverse`` is that of ``1 + covariance @ precision`` and ``slope`` the derivative of the likelihood at the mean.
    """

    inverse: Tensor
    slope: Tensor
    moments: Moments
    evidence: Evidence


def advanced(state: Moments, step: Transition) -> Moments:
    """The state after a step."""
    mean = applied(step.matrix, state.mean) + step.offset
    return Moments(mean, step.matrix @ state.covariance @ step.matrix.mT + step.covariance)


def conditioned(state: Moments, likelihood: Likelihood) -> tuple[Moments, Evidence]:
    """The state given an observation, and the integral of its density times the likelihood."""
    product = _product(state.mean, state.covariance, likelihood)
    return product.moments, product.evidence


def of_steps(parts: _Parts, steps: slice) -> _Parts:
    """The parts of some steps; a part that is the same in all steps is kept."""
    cut: list[Any] = [each[..., steps, :, :] if each.shape[-3] > 1 else each for each in parts]
    return type(parts)(*cut)


def following(parts: _Parts) -> _Parts:
    """In the place of each step the one after it, and the first one in the place of the last."""
    rolled: list[Any] = [each.roll(-1, -3) if each.shape[-3] > 1 else each for each in parts]
    return type(parts)(*rolled)


def total(evidence: Evidence, count: int) -> Evidence:
    """The product over all steps, of which there are so many."""
    return Evidence(*(each.sum(-3, keepdim=True) if each.shape[-3] > 1 else each * count for each in evidence))


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
    identity = torch.eye(mean.shape[-2], dtype=mean.dtype, device=mean.device)
    inverse, log_det = inverse_and_log_det(covariance @ likelihood.precision + identity)
    slope = likelihood.vector - applied(likelihood.precision, mean)
    spread = inverse @ covariance
    new = mean + applied(spread, slope)
    energy = (slope * new + mean * likelihood.vector).sum(-2, keepdim=True) / 2
    evidence = Evidence(energy, log_det[..., None, None] / -2)
    return _Product(inverse, slope, Moments(new, spread), evidence)


def _composed(first: Parts, second: Parts) -> Parts:
    """Two stretches as one; the state between them is integrated out."""
    step, next_step = Transition(*first[2:]), Transition(*second[2:])
    product = _product(step.offset, step.covariance, Likelihood(*second[:2]))
    moved = product.inverse @ step.matrix
    before = _likelihood_before(Likelihood(*first[:2]), step, second[1], product.slope, moved)
    return (*before, next_step.matrix @ moved, *advanced(product.moments, next_step))


def _pulled(stretch: Parts, after: Parts) -> Parts:
    """The likelihood of the first state of a stretch, given that of its last."""
    step = Transition(*stretch[2:])
    product = _product(step.offset, step.covariance, Likelihood(*after))
    moved = product.inverse @ step.matrix
    return _likelihood_before(Likelihood(*stretch[:2]), step, after[1], product.slope, moved)


def _likelihood_before(
    own: Likelihood, step: Transition, precision: Tensor, slope: Tensor, moved: Tensor
) -> Likelihood:
    """The likelihood of a state that is observed and then moves to one of this precision."""
    pulled = (precision @ step.matrix).mT @ moved
    return Likelihood(own.vector + applied(moved.mT, slope), own.precision + pulled)

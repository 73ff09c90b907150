"""Gradient rules: how the derivative of a bound is estimated."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from torch import Tensor

from virgil.infer.elbo.bound import Bound
from virgil.infer.elbo.particles import Particles

__all__ = ["Estimate", "GradientRule"]


class Estimate(Protocol):
    """Computes a bound whose derivative is the rule's estimator of the gradient."""

    def __call__(self, particles: Particles, bound: Bound, /) -> Tensor:
        """The bound, a scalar in nats.

        Args:
            particles: the executions, with the log weight of each particle.
            bound: takes the log weights to the bound.
        """
        ...


@dataclass(frozen=True, slots=True)
class GradientRule:
    """A choice of an objective: how its gradient is estimated.

    Attributes:
        name: what a user calls it.
        estimate: computes the bound with its gradient.
    """

    name: str
    estimate: Estimate

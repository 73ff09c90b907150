"""``GradientRule``: an estimator of the gradient of a bound."""

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
    """A choice of an objective: the estimator of its gradient.

    Attributes:
        name: what a user calls it.
        estimate: computes the bound with its gradient.
    """

    name: str
    estimate: Estimate

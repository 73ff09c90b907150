"""Hamiltonian dynamics over real vectors: states, their energy and leapfrog steps."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from virgil.errors import ArgumentError
from virgil.infer.mcmc.mass_matrix import BlockMassMatrix
from virgil.infer.mcmc.target import Target

__all__ = ["DIVERGENT", "Hamiltonian", "State"]

DIVERGENT = 1000.0  # nats of energy error
_HALF = math.log(0.5)
_SEARCH = 100  # doublings of a step size


@dataclass(frozen=True, slots=True, eq=False)
class State:
    """A place of a trajectory.

    Attributes:
        z: the position. Shape: ``(dim,)``.
        r: the momentum. Shape: ``(dim,)``.
        energy: the potential energy, nats.
        slope: its gradient. Shape: ``(dim,)``.
    """

    z: Tensor
    r: Tensor
    energy: float
    slope: Tensor


@dataclass(frozen=True, slots=True)
class Hamiltonian:
    r"""The motion of :math:`H(z, r) = U(z) + r^T M^{-1} r / 2`.

    Attributes:
        target: its potential energy ``U``.
        mass: its mass matrix ``M``.
    """

    target: Target
    mass: BlockMassMatrix

    def started(self, state: State) -> State:
        """A state with a new momentum."""
        momentum = self.mass.momentum(torch.randn_like(state.z))
        return State(state.z, momentum, state.energy, state.slope)

    def energy(self, state: State) -> float:
        """Potential and kinetic energy, nats."""
        white = self.mass.whitened(state.r)
        return state.energy + 0.5 * float(torch.dot(white, white))

    def velocity(self, state: State) -> Tensor:
        """How the position moves. Shape: ``(dim,)``."""
        return self.mass.velocity(state.r)

    def leap(self, state: State, step_size: float, steps: int = 1) -> State:
        """The state after so many leapfrog steps, backward in time if the size is negative."""
        z, r, energy, slope = state.z, state.r, state.energy, state.slope
        for _ in range(steps):
            r = r.add(slope, alpha=-step_size / 2)
            z = z.add(self.mass.velocity(r), alpha=step_size)
            energy, slope = self.target.energy(z)
            r = r.add(slope, alpha=-step_size / 2)
            if energy == math.inf:
                break
        return State(z, r, energy, slope)

    def reasonable_step_size(self, state: State, size: float, least: float, most: float) -> float:
        """A size at which one step is accepted about half of the time *(Hoffman and Gelman 2014, algorithm 4)*.

        Args:
            state: the place to step from.
            size: what the search begins with.
            least: the least size to try.
            most: the largest.

        Raises:
            ArgumentError: there is none between them.
        """
        direction = 0
        for _ in range(_SEARCH):
            start = self.started(state)
            wanted = 1 if self.energy(start) - self.energy(self.leap(start, size)) > _HALF else -1
            if direction and wanted != direction:
                break
            direction = wanted
            size *= 2.0**direction
            if not least < size < most:
                raise ArgumentError(
                    f"A chain found no step size between {least} and {most} at which it moves. Is the posterior "
                    "proper, and the density finite where the chain begins? virgil.explain(model) says more."
                )
        return size

"""A module with the parameters of Gaussian processes with Matern kernels."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from virgil.distributions import constraints
from virgil.errors import ArgumentError
from virgil.nn import PyroModule, PyroParam
from virgil.ops.matern_process import STATES, matern_stationary, matern_transition

__all__ = ["MaternKernel"]


class MaternKernel(PyroModule):
    """Several Gaussian processes over time, as linear state space models *(Hartikainen and Sarkka 2010)*.

    Args:
        nu: the kernel's order, 0.5, 1.5 or 2.5.
        num_gps: how many processes.
        length_scale_init: their length scales to begin with; ones, if not given. Shape: ``(num_gps,)``.
        kernel_scale_init: their standard deviations to begin with; ones, if not given. Shape: ``(num_gps,)``.

    Raises:
        ArgumentError: another order, or initial values of another shape.
    """

    length_scale: Tensor
    kernel_scale: Tensor

    def __init__(
        self,
        nu: float = 1.5,
        num_gps: int = 1,
        length_scale_init: Tensor | None = None,
        kernel_scale_init: Tensor | None = None,
    ) -> None:
        if nu not in STATES:
            raise ArgumentError(f"MaternKernel got nu={nu}; it takes 0.5, 1.5 or 2.5.")
        super().__init__()
        self.nu = nu
        self.num_gps = num_gps
        self.state_dim = STATES[nu]
        self.length_scale = self._scales("length_scale_init", length_scale_init)
        self.kernel_scale = self._scales("kernel_scale_init", kernel_scale_init)

    def _scales(self, name: str, value: Tensor | None) -> Any:
        value = torch.ones(self.num_gps) if value is None else value
        if value.shape != (self.num_gps,):
            raise ArgumentError(f"MaternKernel got {name} of shape {tuple(value.shape)} for {self.num_gps} processes.")
        return PyroParam(value, constraint=constraints.positive)

    def transition_matrix(self, dt: Tensor | float) -> Tensor:
        """The matrix that takes a state to its mean later, from the right. Shape: ``(num_gps, state, state)``."""
        return matern_transition(self.nu, self.length_scale, dt)

    def stationary_covariance(self) -> Tensor:
        """The covariance of the state at any one time. Shape: ``(num_gps, state, state)``."""
        return matern_stationary(self.nu, self.length_scale, self.kernel_scale)

    def process_covariance(self, A: Tensor) -> Tensor:
        """The covariance of the noise of a transition ``A``. Shape: ``(num_gps, state, state)``."""
        stationary = self.stationary_covariance()
        return stationary - A.mT @ stationary @ A

    def transition_matrix_and_covariance(self, dt: Tensor | float) -> tuple[Tensor, Tensor]:
        """The transition over a time, and the covariance of its noise."""
        transition = self.transition_matrix(dt)
        return transition, self.process_covariance(transition)

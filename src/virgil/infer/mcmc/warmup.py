"""The warm-up of a chain: windows, the step size and the mass matrix."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any, NamedTuple

from torch import Tensor

from virgil.infer.mcmc.mass_matrix import BlockMassMatrix, Names
from virgil.ops.dual_averaging import DualAverages

__all__ = ["WarmupAdapter", "adapt_window", "windows"]

_START, _FIRST, _END = 75, 25, 50  # steps; of a warm-up too short for them shares of it
_START_SHARE, _END_SHARE, _SHORT = 0.15, 0.1, 20


class adapt_window(NamedTuple):
    """Steps of the warm-up after which the mass matrix is estimated anew, both ends included."""

    start: int
    end: int


def windows(steps: int) -> list[adapt_window]:
    """The windows of a warm-up: one to arrive, some that double in length, and one for the step size.

    *(Stan Development Team 2018, section 15.2)*
    """
    if steps < _SHORT:
        return [adapt_window(0, steps - 1)]
    if steps < _START + _FIRST + _END:
        first, last = int(_START_SHARE * steps), int(_END_SHARE * steps)
    else:
        first, last = _START, _END
    found, start, length = [adapt_window(0, first - 1)], first, min(_FIRST, steps - first - last)
    while start < steps - last:
        end = start + length
        length *= 2
        if end + length > steps - last:  # the next would not be whole
            end = steps - last
        found.append(adapt_window(start, end - 1))
        start = end
    return [*found, adapt_window(steps - last, steps - 1)]


class WarmupAdapter:
    """Adapts the step size and the mass matrix during the warm-up.

    The step size is found by dual averaging, so that the mean acceptance is the one wanted *(Hoffman and Gelman 2014,
    section 3.2)*. The mass matrix is estimated in each window but the first and the last, after which the step size is
    sought anew.

    Args:
        step_size: that of the first step, or the one for all.
        adapt_step_size: whether it is adapted.
        target_accept_prob: the mean acceptance wanted, in (0, 1).
        adapt_mass_matrix: whether the matrix is adapted.
        dense_mass: whether it is dense, where no shape is given.

    Attributes:
        step_size: the present one.
        target_accept_prob: as given.
    """

    def __init__(
        self,
        step_size: float = 1,
        adapt_step_size: bool = False,
        target_accept_prob: float = 0.8,
        adapt_mass_matrix: bool = False,
        dense_mass: bool = False,
    ) -> None:
        self.adapt_step_size = adapt_step_size
        self.adapt_mass_matrix = adapt_mass_matrix
        self.target_accept_prob = target_accept_prob
        self.dense_mass = dense_mass
        self.step_size = 1.0 if step_size is None else float(step_size)
        self._initial_step_size = self.step_size
        self._mass_matrix_adapter: BlockMassMatrix = BlockMassMatrix()
        self._warmup_steps = 0
        self._window = 0
        self._schedule: list[adapt_window] = []
        self._averages = DualAverages()
        self._find: Callable[[Mapping[str, Tensor]], float] | None = None

    def configure(
        self,
        warmup_steps: int,
        initial_step_size: float | None = None,
        mass_matrix_shape: Mapping[Names, tuple[int, ...]] | None = None,
        find_reasonable_step_size_fn: Callable[[Mapping[str, Tensor]], float] | None = None,
        options: Mapping[str, Any] | None = None,
    ) -> None:
        """Begin a warm-up.

        Args:
            warmup_steps: how many steps it has.
            initial_step_size: of the first step.
            mass_matrix_shape: by block, as in :meth:`BlockMassMatrix.configure`.
            find_reasonable_step_size_fn: a step size for a state, to begin the search with.
            options: dtype and device of the mass matrix.
        """
        self._warmup_steps = warmup_steps
        self.step_size = self._initial_step_size if initial_step_size is None else float(initial_step_size)
        self._find = find_reasonable_step_size_fn
        if mass_matrix_shape is not None:
            self.mass_matrix_adapter.configure(mass_matrix_shape, self.adapt_mass_matrix, options)
        self._schedule = windows(warmup_steps) if warmup_steps else []
        self._window = 0
        self._restart(self.step_size)

    def reset_step_size_adaptation(self, z: Mapping[str, Tensor]) -> None:
        """Find a step size for a state and begin the search there."""
        if self._find is not None and self.adapt_step_size:
            self.step_size = self._find(z)
        self._restart(self.step_size)

    def _restart(self, step_size: float) -> None:
        self._averages = replace(DualAverages(), centre=math.log(10 * step_size), latest=math.log(step_size))

    def step(
        self, t: int, z: Mapping[str, Tensor], accept_prob: float, z_grad: Mapping[str, Tensor] | None = None
    ) -> None:
        """Learn from a step.

        Args:
            t: its number, from 0.
            z: the state after it.
            accept_prob: its acceptance, in [0, 1].
            z_grad: the gradient of the potential energy at ``z``.
        """
        if t >= self._warmup_steps or not (self.adapt_step_size or self.adapt_mass_matrix):
            return
        window = self._schedule[self._window]
        is_middle = 0 < self._window < len(self._schedule) - 1
        if self.adapt_step_size:
            self._averages = self._averages.updated(self.target_accept_prob - accept_prob)
            self.step_size = math.exp(self._averages.latest)
        if self.adapt_mass_matrix and is_middle:
            self.mass_matrix_adapter.update(z, z_grad)
        if t < window.end:
            return
        if self._window == len(self._schedule) - 1:
            if self.adapt_step_size:
                self.step_size = math.exp(self._averages.average)
        elif self.adapt_mass_matrix and is_middle:
            self.mass_matrix_adapter.end_adaptation()
            self.reset_step_size_adaptation(z)
        self._window += 1

    @property
    def adaptation_schedule(self) -> list[adapt_window]:
        """The windows of the warm-up."""
        return self._schedule

    @property
    def mass_matrix_adapter(self) -> BlockMassMatrix:
        """Estimates the mass matrix. It may be set before the chain begins."""
        return self._mass_matrix_adapter

    @mass_matrix_adapter.setter
    def mass_matrix_adapter(self, value: BlockMassMatrix) -> None:
        self._mass_matrix_adapter = value

    @property
    def inverse_mass_matrix(self) -> dict[Names, Tensor]:
        """The inverse mass matrix, or its diagonal, by block."""
        return self._mass_matrix_adapter.inverse_mass_matrix

"""The base of linear series with normal noise, whose states are integrated out."""

from __future__ import annotations

import torch
from torch import Size, Tensor
from torch import distributions as td

from virgil.distributions.time_series.state_space.linear_state_space import LinearStateSpace
from virgil.distributions.time_series.state_space.normal_noise import NormalNoise, normal_noise
from virgil.ops.affine_recurrence import affine_recurrence, applied, covariance_recurrence
from virgil.ops.broadcast import broadcast_shapes
from virgil.ops.linear_gaussian import (
    Evidence,
    Likelihood,
    Moments,
    Transition,
    advanced,
    conditioned,
    following,
    of_steps,
    posterior_chain,
    total,
)
from virgil.ops.linear_gaussian_filter import filtered

__all__ = ["NormalStateSpace"]


class NormalStateSpace(LinearStateSpace):
    """Abstract base of linear series with normal noise. All that is computed here is in double precision, as columns.

    Arguments and shapes are those of `LinearStateSpace`.

    Raises:
        ArgumentError: noise that is not normal.
    """

    def __init__(
        self,
        initial_dist: td.Distribution,
        transition_matrix: Tensor,
        transition_dist: td.Distribution,
        observation_matrix: Tensor,
        observation_dist: td.Distribution,
        validate_args: bool | None = None,
        duration: int | None = None,
    ) -> None:
        normal_noise("initial_dist", initial_dist, has_time=False)
        normal_noise("transition_dist", transition_dist)
        normal_noise("observation_dist", observation_dist)
        super().__init__(
            initial_dist,
            transition_matrix,
            transition_dist,
            observation_matrix,
            observation_dist,
            validate_args=validate_args,
            duration=duration,
        )

    @property
    def mean(self) -> Tensor:
        """The mean of the observations. Shape: ``(*batch, steps, obs_dim)``."""
        start, step = self._start(), self._transition()
        states = affine_recurrence(step.matrix, step.offset, start.mean, self._event_shape[0])
        means = applied(self._matrices(torch.double)[1], states) + self._observation_noise().loc
        return means.squeeze(-1).expand(self.shape()).to(self._dtype())

    @property
    def variance(self) -> Tensor:
        """The variance of the observations. Shape: ``(*batch, steps, obs_dim)``."""
        start, step, matrix = self._start(), self._transition(), self._matrices(torch.double)[1]
        states = covariance_recurrence(step.matrix, step.covariance, start.covariance, self._event_shape[0])
        noise = self._observation_noise().covariance.diagonal(dim1=-2, dim2=-1)
        spread = ((matrix @ states) * matrix).sum(-1) + noise
        return spread.expand(self.shape()).to(self._dtype())

    def _start(self) -> Moments:
        return normal_noise("initial_dist", self.initial_dist, has_time=False).moments

    def _transition(self) -> Transition:
        noise = normal_noise("transition_dist", self.transition_dist)
        return Transition(self._matrices(torch.double)[0], *noise.moments)

    def _observation_noise(self) -> NormalNoise:
        return normal_noise("observation_dist", self.observation_dist)

    def _likelihood(self, value: Tensor) -> tuple[Likelihood, Evidence]:
        """Of the state of each step, at a series. A missing observation may have any value."""
        noise, columns = self._observation_noise(), value.unsqueeze(-1).double()
        if noise.observed is not None:
            columns = columns.where(noise.observed, 0.0)
            value = columns.squeeze(-1)
        self._checked(value)
        return noise.likelihood(self._matrices(torch.double)[1], columns)

    def _density(self, value: Tensor) -> Evidence:
        """The density of a series. Shapes: ``(*batch, 1, 1, 1)``."""
        (likelihood, constant), step, count = self._likelihood(value), self._transition(), value.shape[-2]
        state = advanced(self._start(), of_steps(step, slice(None, 1)))
        _, evidence = filtered(state, likelihood, following(step), count)  # the last move changes nothing
        return evidence.plus(total(constant, count))

    def _filtered(self, value: Tensor) -> tuple[Moments, Evidence]:
        """The last state given a series, and the density of the series. Shapes: ``(*batch, 1, ...)``."""
        (likelihood, constant), step, count = self._likelihood(value), self._transition(), value.shape[-2]
        state, evidence = advanced(self._start(), of_steps(step, slice(None, 1))), total(constant, count)
        if count > 1:
            before, moves = of_steps(likelihood, slice(None, -1)), of_steps(step, slice(1, None))
            state, more = filtered(state, before, moves, count - 1)
            evidence = evidence.plus(more)
        state, more = conditioned(state, of_steps(likelihood, slice(-1, None)))
        return state, evidence.plus(more)

    def _posterior(self, value: Tensor) -> tuple[Moments, Transition]:
        """The chain of states given a series."""
        return posterior_chain(self._start(), self._transition(), self._likelihood(value)[0], value.shape[-2])

    def _batch_of(self, value: Tensor) -> Size:
        return broadcast_shapes(self._batch_shape, value.shape[:-2])

    def _dtype(self, *others: Tensor) -> torch.dtype:
        dtype = self.transition_matrix.dtype
        for each in others:
            dtype = torch.promote_types(dtype, each.dtype)
        return dtype

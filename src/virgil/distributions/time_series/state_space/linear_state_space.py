"""The base of series that are linear functions of a hidden chain of vectors."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Size, Tensor
from torch import distributions as td
from torch.distributions import constraints

from virgil.distributions.core.shape_algebra import expanded
from virgil.distributions.time_series.state_space.hidden_markov_model import HiddenMarkovModel
from virgil.distributions.time_series.state_space.normal_noise import with_time
from virgil.errors import ArgumentError, ShapeError
from virgil.ops.affine_recurrence import affine_recurrence, applied
from virgil.ops.broadcast import broadcast_shapes
from virgil.ops.sizes import Sizes

__all__ = ["LinearStateSpace"]


class LinearStateSpace(HiddenMarkovModel):
    r"""Abstract base of series of vectors that are observed through a hidden chain of vectors.

    .. math:: z_t = z_{t-1} F_t + q_t \qquad x_t = z_t H_t + r_t \qquad t = 1, \dots, T

    Vectors are rows. The state :math:`z_0` comes before the first observation. The last dim of a batch of matrices or
    of noise is time; it may be 1, or left out together with all of the batch, where nothing depends on the step.
    Without ``duration`` such a series may have any length. Shape: event ``(steps, obs_dim)``.

    Args:
        initial_dist: of :math:`z_0`. Shape: batch ``(*batch,)``, event ``(hidden_dim,)``.
        transition_matrix: :math:`F`. Shape: ``(*batch, steps or 1, hidden_dim, hidden_dim)``.
        transition_dist: of :math:`q`. Shape: batch ``(*batch, steps or 1)``, event ``(hidden_dim,)``.
        observation_matrix: :math:`H`. Shape: ``(*batch, steps or 1, hidden_dim, obs_dim)``.
        observation_dist: of :math:`r`. Shape: batch ``(*batch, steps or 1)``, event ``(obs_dim,)``.
        duration: the number of steps, where none of the others has it.

    Attributes:
        hidden_dim: the size of a state.
        obs_dim: the size of an observation.

    Raises:
        ShapeError: shapes that do not fit together.
    """

    arg_constraints = {
        "transition_matrix": constraints.independent(constraints.real, 2),
        "observation_matrix": constraints.independent(constraints.real, 2),
    }
    support = constraints.independent(constraints.real, 2)

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
        self.initial_dist, self.transition_dist, self.observation_dist = initial_dist, transition_dist, observation_dist
        self.transition_matrix, self.observation_matrix = transition_matrix, observation_matrix
        self.hidden_dim, self.obs_dim = self._checked_sizes()
        *batch, steps = self._common_shape()
        if duration is not None and steps not in (1, duration):
            raise ShapeError(
                f"{type(self).__name__} got duration={duration} and parameters of {steps} steps; leave it out."
            )
        length = duration or (steps if steps > 1 else None)
        super().__init__(length, batch, (length or 1, self.obs_dim), validate_args=validate_args)

    def _checked_sizes(self) -> tuple[int, int]:
        hidden, observed = self.transition_matrix.shape[-1:], self.observation_matrix.shape[-1:]
        right = (
            self.transition_matrix.shape[-2:] == hidden + hidden
            and self.observation_matrix.shape[-2:] == hidden + observed
            and self.initial_dist.event_shape == self.transition_dist.event_shape == hidden
            and self.observation_dist.event_shape == observed
        )
        if not right:
            events = (each.event_shape for each in (self.initial_dist, self.transition_dist, self.observation_dist))
            sizes = ", ".join(str(tuple(each)) for each in events)
            raise ShapeError(
                f"{type(self).__name__} got a transition_matrix of shape {tuple(self.transition_matrix.shape)}, an "
                f"observation_matrix of shape {tuple(self.observation_matrix.shape)}, and initial_dist, "
                f"transition_dist and observation_dist of event shapes {sizes}; they are (..., hidden_dim, "
                "hidden_dim), (..., hidden_dim, obs_dim), (hidden_dim,), (hidden_dim,) and (obs_dim,)."
            )
        return hidden[0], observed[0]

    def _common_shape(self) -> Size:
        shapes = {
            "initial_dist": (*self.initial_dist.batch_shape, 1),
            "transition_matrix": self.transition_matrix.shape[:-2],
            "transition_dist": self.transition_dist.batch_shape,
            "observation_matrix": self.observation_matrix.shape[:-2],
            "observation_dist": self.observation_dist.batch_shape,
        }
        try:
            return broadcast_shapes(*shapes.values())
        except RuntimeError as error:
            listed = ", ".join(f"{name} {tuple(shape)}" for name, shape in shapes.items())
            raise ShapeError(
                f"The batches of {type(self).__name__} do not broadcast: {listed}. The last dim of each is time."
            ) from error

    def _matrices(self, dtype: torch.dtype | None = None) -> tuple[Tensor, Tensor]:
        """Both matrices for columns, with a dim of time."""
        both = (with_time(each).mT for each in (self.transition_matrix, self.observation_matrix))
        first, second = (each if dtype is None else each.to(dtype) for each in both)
        return first, second

    def _noise(self, sample_shape: Sizes) -> tuple[Tensor, Tensor, Tensor]:
        """Draws of the first state and of the noise of all steps."""
        shape = Size(sample_shape) + self.batch_shape
        steps = Size([*shape, self._known_duration()])
        moved, observed = (expanded(each, steps).rsample() for each in (self.transition_dist, self.observation_dist))
        return expanded(self.initial_dist, shape).rsample(), moved, observed

    def _known_duration(self) -> int:
        if self.duration is None:
            raise ArgumentError(
                f"{type(self).__name__} has no number of steps, as its parameters are the same in all of them, so it "
                "cannot be sampled. Pass duration=, or give the site a value (obs=, condition)."
            )
        return self.duration

    def _observations(self, noise: Sequence[Tensor]) -> Tensor:
        """The series that this noise makes. Shape: ``(*batch, steps, obs_dim)``."""
        start, moved, observed = (each.unsqueeze(-1) for each in noise)
        transition, observation = self._matrices()
        states = affine_recurrence(transition, moved, start.unsqueeze(-3), self._known_duration())
        return (applied(observation, states) + observed).squeeze(-1)

"""The hidden Markov model with discrete states."""

from __future__ import annotations

from typing import Any

import torch
from torch import Size, Tensor
from torch import distributions as td
from torch.distributions import constraints

from virgil.distributions.core.shape_algebra import expanded
from virgil.distributions.discrete.categorical import Categorical
from virgil.distributions.time_series.state_space.hidden_markov_model import HiddenMarkovModel
from virgil.errors import ArgumentError, ShapeError
from virgil.ops.broadcast import broadcast_shapes
from virgil.ops.chain_product import chain_product
from virgil.ops.semiring import SUM
from virgil.ops.sizes import Sizes

__all__ = ["DiscreteHMM"]


class DiscreteHMM(HiddenMarkovModel):
    r"""A sequence observed through a Markov chain of discrete states, which is summed out *(Rabiner 1989)*.

    .. math:: p(x) = \sum_{z_0, \dots, z_T} p(z_0) \prod_{t=1}^{T} p(z_t \mid z_{t-1})\, p(x_t \mid z_t)

    The state :math:`z_0` comes before the first observation: a transition leads to each. ``log_prob`` takes a number
    of rounds that is the logarithm of the length *(Sarkka and Garcia-Fernandez 2021)*. Shape: event ``(steps, *event of
    an observation)``.

    Where nothing depends on the step, neither of the two needs a dim for it, and without ``duration`` a series may have
    any length: ``event_shape`` then has a 1 in that place, and there are no draws.

    Args:
        initial_logits: unnormalised logarithms of the probability of each state. Shape: ``(*batch, states)``.
        transition_logits: the same for each state given the state before, which is the row. Shape: ``(*batch, steps
            or 1, states, states)``, or ``(states, states)``.
        observation_dist: the observation in each state. Batch shape: ``(*batch, steps or 1, states)``, or
            ``(states,)``.
        duration: the number of steps, where neither of the two has it.

    Raises:
        ShapeError: shapes that do not fit together.
    """

    arg_constraints = {"initial_logits": constraints.real_vector, "transition_logits": constraints.real}

    def __init__(
        self,
        initial_logits: Tensor,
        transition_logits: Tensor,
        observation_dist: td.Distribution,
        validate_args: bool | None = None,
        duration: int | None = None,
    ) -> None:
        duration = _checked_steps(initial_logits, transition_logits, observation_dist, duration)
        if transition_logits.dim() == 2:
            transition_logits = transition_logits.unsqueeze(0)
        if len(observation_dist.batch_shape) == 1:
            observation_dist = expanded(observation_dist, (1, *observation_dist.batch_shape))
        self.initial_logits = initial_logits - initial_logits.logsumexp(-1, keepdim=True)
        self.transition_logits = transition_logits - transition_logits.logsumexp(-1, keepdim=True)
        self.observation_dist = observation_dist
        batch = broadcast_shapes(
            initial_logits.shape[:-1], transition_logits.shape[:-3], observation_dist.batch_shape[:-2]
        )
        event = Size([duration or 1]) + observation_dist.event_shape
        super().__init__(duration, batch, event, validate_args=validate_args)

    @constraints.dependent_property(event_dim=1)
    def support(self) -> constraints.Constraint:
        """The observations' own support, step by step."""
        inner = self.observation_dist.support
        event_dim = self.event_dim - inner.event_dim  # type: ignore[union-attr]
        return constraints.independent(inner, event_dim)

    def expand(self, batch_shape: Sizes, _instance: Any = None) -> DiscreteHMM:
        """The same model for a larger batch."""
        new = self._get_checked_instance(DiscreteHMM, _instance)
        logits = self.initial_logits.expand(*batch_shape, -1)
        return self._copied(new, batch_shape, self.duration, initial_logits=logits)

    def _scored(self, value: Tensor) -> Tensor:
        """Logarithms of each step's transition times its observation. Shape: ``(*batch, steps, states, states)``."""
        place = value.dim() - len(self.observation_dist.event_shape)
        observed = self.observation_dist.log_prob(value.unsqueeze(place))  # one value against every state
        steps = self.transition_logits + observed.unsqueeze(-2)
        return steps.expand(*steps.shape[:-3], value.shape[value.dim() - self.event_dim], *steps.shape[-2:])

    def log_prob(self, value: Tensor) -> Tensor:
        """Log-density of whole sequences, nats. Shape: ``(*batch,)``."""
        self._checked(value)
        return SUM.reduce(self._total(value), (-2, -1))

    def filter(self, value: Tensor) -> Categorical:
        """The distribution of the last state, given a sequence. Batch shape: ``(*batch,)``."""
        return Categorical(logits=SUM.reduce(self._total(value), (-2,)))

    def _total(self, value: Tensor) -> Tensor:
        """Logarithms of all paths' probabilities, by first and last state. Shape: ``(*batch, states, states)``."""
        return self.initial_logits.unsqueeze(-1) + chain_product(self._scored(value))

    def sample(self, sample_shape: Sizes = Size()) -> Tensor:
        """Sequences, drawn step by step. Shape: ``(*sample_shape, *batch, steps, *event of an observation)``.

        Raises:
            ArgumentError: the number of steps is not known.
        """
        if self.duration is None:
            raise ArgumentError(
                "DiscreteHMM has no number of steps, as its transitions and observations are the same in all of them, "
                "so it cannot be sampled. Pass duration=, or give the site a value (obs=, condition)."
            )
        with torch.no_grad():
            shape = Size(sample_shape) + self.batch_shape
            state = Categorical(logits=self.initial_logits, validate_args=False).expand(shape).sample()
            moves = self.transition_logits.expand(*shape, self.duration, *self.transition_logits.shape[-2:])
            states = []
            for step in range(self.duration):
                rows = moves[..., step, :, :]
                row = rows.gather(-2, state[..., None, None].expand(*state.shape, 1, rows.shape[-1])).squeeze(-2)
                state = Categorical(logits=row, validate_args=False).sample()
                states.append(state)
            return self._observed(torch.stack(states, -1))

    def _observed(self, states: Tensor) -> Tensor:
        """An observation of each state: one is drawn for every possible state, and that of the actual state taken."""
        event = self.observation_dist.event_shape
        count = self.initial_logits.shape[-1]
        drawn = self.observation_dist.expand(Size([*states.shape, count])).sample()
        index = states.reshape(*states.shape, 1, *(1 for _ in event)).expand(*states.shape, 1, *event)
        taken: Tensor = drawn.gather(states.dim(), index).squeeze(states.dim())
        return taken


def _checked_steps(initial: Tensor, moves: Tensor, observed: td.Distribution, duration: int | None) -> int | None:
    """The number of steps that the shapes agree upon; ``None`` where they leave it open."""
    states = initial.shape[-1] if initial.dim() else 0
    shapes = (
        f"DiscreteHMM got initial_logits of shape {tuple(initial.shape)}, transition_logits of shape "
        f"{tuple(moves.shape)} and an observation_dist of batch shape {tuple(observed.batch_shape)}"
    )
    if not states:
        raise ShapeError(f"{shapes}; initial_logits must have the shape (*batch, states).")
    if moves.dim() < 2 or moves.shape[-2:] != (states, states):
        raise ShapeError(
            f"{shapes}; transition_logits must end in (steps or 1, {states}, {states}), or be ({states}, {states})."
        )
    if not observed.batch_shape or observed.batch_shape[-1] != states:
        raise ShapeError(f"{shapes}; the batch shape must end in (steps or 1, {states}), or be ({states},).")
    lengths = {size for size in (*moves.shape[-3:-2], *observed.batch_shape[-2:-1]) if size != 1}
    if duration is not None and not (duration == 1 and not lengths):
        lengths.add(duration)
    if len(lengths) > 1:
        raise ShapeError(f"{shapes}, duration={duration}; the numbers of steps {sorted(lengths)} differ.")
    return lengths.pop() if lengths else duration

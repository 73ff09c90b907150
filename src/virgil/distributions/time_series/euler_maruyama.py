"""The solution of a stochastic differential equation at given times, by the Euler-Maruyama scheme."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Size, Tensor
from torch import distributions as td
from torch.distributions import constraints

from virgil.distributions import constraints as own_constraints
from virgil.distributions.continuous.normal import Normal
from virgil.distributions.core.shape_algebra import Independent, TorchDistributionMixin, expanded
from virgil.errors import ShapeError
from virgil.ops.broadcast import broadcast_shapes
from virgil.ops.sizes import Sizes

__all__ = ["EulerMaruyama"]

Equation = Callable[[Tensor, Tensor], tuple[Tensor, Tensor]]


class EulerMaruyama(TorchDistributionMixin):
    r"""The path of a stochastic differential equation at given times, by Euler's scheme *(Maruyama 1955)*.

    .. math:: x_{i+1} = x_i + f(x_i, t_i)\, \Delta_i + g(x_i, t_i) \sqrt{\Delta_i}\, \epsilon_i
        \qquad \Delta_i = t_{i+1} - t_i

    Draws take one step after another, as the equation may be any; a density takes all steps at once. Shape: event
    ``(times, *event of a state)``.

    Args:
        t: the times, which increase. Shape: ``(*batch, times)``.
        sde_fn: of states and times, to the drift f and the diffusion g > 0 at them. States have shape ``(..., *batch,
            *event)``, with steps and samples on the left; times broadcast with them, and so do both results.
        init_dist: of the state at the first time. Shape: batch ``(*batch,)``, event of a state.

    Raises:
        ShapeError: fewer than one time, or a drift or diffusion that does not broadcast to the states.

    >>> import virgil.distributions as dist
    >>> def pulled_back(x, t):
    ...     return -x, torch.tensor(0.5)
    >>> path = dist.EulerMaruyama(torch.linspace(0.0, 1.0, 11), pulled_back, dist.Normal(1.0, 0.1))
    >>> path.sample().shape
    torch.Size([11])
    """

    arg_constraints = {"t": own_constraints.ordered_vector}

    def __init__(
        self, t: Tensor, sde_fn: Equation, init_dist: td.Distribution, validate_args: bool | None = None
    ) -> None:
        if not t.dim() or not t.shape[-1]:
            raise ShapeError(f"EulerMaruyama got t of shape {tuple(t.shape)}; it is (*batch, times), with one or more.")
        batch = broadcast_shapes(t.shape[:-1], init_dist.batch_shape)
        self.t, self.sde_fn, self.init_dist = t, sde_fn, expanded(init_dist, batch)
        self.has_rsample = init_dist.has_rsample
        super().__init__(batch, t.shape[-1:] + init_dist.event_shape, validate_args=validate_args)

    @constraints.dependent_property
    def support(self) -> constraints.Constraint:
        """All real paths."""
        return constraints.independent(constraints.real, len(self._event_shape))

    def expand(self, batch_shape: Sizes, _instance: Any = None) -> EulerMaruyama:
        """The same equation for a larger batch."""
        new = self._get_checked_instance(EulerMaruyama, _instance)
        new.t, new.sde_fn, new.init_dist = self.t, self.sde_fn, expanded(self.init_dist, Size(batch_shape))
        new.has_rsample = self.has_rsample
        super(EulerMaruyama, new).__init__(Size(batch_shape), self._event_shape, validate_args=False)
        new._validate_args = self._validate_args
        return new

    def log_prob(self, value: Tensor) -> Tensor:
        """Log-density of whole paths, nats. Shape: ``(*batch,)``."""
        if self._validate_args:
            self._validate_sample(value)
        event_dim = len(self._event_shape)
        batch = broadcast_shapes(value.shape[: value.dim() - event_dim], self._batch_shape)
        states = value.expand(batch + self._event_shape).movedim(-event_dim, 0)
        density = self.init_dist.log_prob(states[0])
        if len(states) == 1:
            return density
        times = self._times(len(batch))
        moves = self._next(states[:-1], times[:-1], times.diff(dim=0))
        each: Tensor = Independent(moves, event_dim - 1).log_prob(states[1:])
        return density + each.sum(0)

    def sample(self, sample_shape: Sizes = Size()) -> Tensor:
        """Shape: ``(*sample_shape, *batch, times, *event of a state)``."""
        with torch.no_grad():
            return self._path(self.init_dist.expand(Size(sample_shape) + self._batch_shape).sample())

    def rsample(self, sample_shape: Sizes = Size()) -> Tensor:
        """As `sample`, with a pathwise derivative."""
        return self._path(self.init_dist.expand(Size(sample_shape) + self._batch_shape).rsample())

    def _path(self, state: Tensor) -> Tensor:
        states, event_dim = [state], len(self._event_shape) - 1
        times = self._times(state.dim() - event_dim)
        steps = times.diff(dim=0)
        for step in range(len(steps)):
            states.append(self._next(states[-1], times[step], steps[step]).rsample())
        return torch.stack(states, state.dim() - event_dim)

    def _times(self, batch_dims: int) -> Tensor:
        """The times, which broadcast with paths of such a batch. Shape: ``(times, *ones or batch, *ones)``."""
        times = self.t.movedim(-1, 0)
        ones = batch_dims - (times.dim() - 1)
        event_dim = len(self._event_shape) - 1
        return times.reshape(times.shape[:1] + (1,) * ones + times.shape[1:] + (1,) * event_dim)

    def _next(self, states: Tensor, times: Tensor, steps: Tensor) -> Normal:
        """The distribution of the states one step later."""
        drift, diffusion = self.sde_fn(states, times)
        if broadcast_shapes(drift.shape, diffusion.shape, states.shape) != states.shape:
            raise ShapeError(
                f"sde_fn of EulerMaruyama got states of shape {tuple(states.shape)} and gave a drift of shape "
                f"{tuple(drift.shape)} and a diffusion of shape {tuple(diffusion.shape)}, which are larger. Expand "
                "init_dist to the batch of its parameters."
            )
        return Normal(states + drift * steps, diffusion * steps.sqrt(), validate_args=False)

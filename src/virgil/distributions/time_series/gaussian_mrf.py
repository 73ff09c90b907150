"""The chain of joint normal factors of states and observations, as one distribution."""

from __future__ import annotations

from typing import Any

import torch
from torch import Size, Tensor
from torch import distributions as td
from torch.distributions import constraints

from virgil.distributions.core.divergence import divergence
from virgil.distributions.core.validation import unchecked
from virgil.distributions.time_series.state_space.hidden_markov_model import HiddenMarkovModel
from virgil.distributions.time_series.state_space.normal_noise import NormalNoise, drawn, normal_noise
from virgil.errors import ArgumentError, ShapeError
from virgil.ops.affine_recurrence import affine_recurrence, applied, covariance_recurrence
from virgil.ops.broadcast import broadcast_shapes
from virgil.ops.linear_gaussian import (
    Evidence,
    Likelihood,
    Moments,
    Transition,
    advanced,
    conditioned,
    of_steps,
    posterior_chain,
    total,
)
from virgil.ops.linear_gaussian_filter import filtered
from virgil.ops.sizes import Sizes

__all__ = ["GaussianMRF"]


class GaussianMRF(HiddenMarkovModel):
    r"""A series of vectors observed through a hidden chain, as a product of normal factors, the states integrated out.

    .. math:: p(x) \propto \int f_0(z_0) \prod_{t=1}^{T} f(z_{t-1}, z_t)\, g(z_t, x_t)\, dz

    Each factor is the density of a normal vector; their product is normalised over states and observations. Cost and
    series of any length are those of `GaussianHMM`. Shape: event ``(steps, obs_dim)``.

    An observation is missing where ``observation_dist`` is under a mask, ``observation_dist.mask(seen)`` with ``seen``
    of shape ``(*batch, steps)``: it is integrated out, and the value there counts for nothing.

    Args:
        initial_dist: :math:`f_0`. Shape: batch ``(*batch,)``, event ``(hidden_dim,)``.
        transition_dist: :math:`f`, of two successive states. Shape: batch ``(*batch, steps or 1)``, event ``(2 *
            hidden_dim,)``.
        observation_dist: :math:`g`, of a state and an observation. Shape: batch ``(*batch, steps or 1)``, event
            ``(hidden_dim + obs_dim,)``.

    Attributes:
        hidden_dim: the size of a state.
        obs_dim: the size of an observation.

    Raises:
        ShapeError: shapes that do not fit together.
        ArgumentError: another distribution than a normal one, or a mask elsewhere.
    """

    has_rsample = True

    def __init__(
        self,
        initial_dist: td.Distribution,
        transition_dist: td.Distribution,
        observation_dist: td.Distribution,
        validate_args: bool | None = None,
    ) -> None:
        self.initial_dist, self.transition_dist, self.observation_dist = initial_dist, transition_dist, observation_dist
        if normal_noise("transition_dist", transition_dist).observed is not None:
            raise ArgumentError("transition_dist of GaussianMRF has a mask; only observations may be missing.")
        seen = normal_noise("observation_dist", observation_dist).observed
        if seen is not None and seen.shape[-2] != 1:
            raise ArgumentError(
                "observation_dist of GaussianMRF has a mask for single entries, some of which are hidden; it takes one "
                "for whole steps, observation_dist.mask(seen), and GaussianHMM takes both."
            )
        normal_noise("initial_dist", initial_dist, has_time=False)
        events = [each.event_shape[-1] for each in (initial_dist, transition_dist, observation_dist)]
        self.hidden_dim, self.obs_dim = events[0], events[2] - events[0]
        if events[1] != 2 * events[0] or self.obs_dim < 1:
            raise ShapeError(
                f"GaussianMRF got initial_dist, transition_dist and observation_dist of vectors of sizes {events[0]}, "
                f"{events[1]} and {events[2]}; they are hidden_dim, 2 * hidden_dim and hidden_dim + obs_dim."
            )
        *batch, steps = broadcast_shapes(
            (*initial_dist.batch_shape, 1), transition_dist.batch_shape, observation_dist.batch_shape
        )
        length = steps if steps > 1 else None
        super().__init__(length, batch, (length or 1, self.obs_dim), validate_args=validate_args)

    @constraints.dependent_property(event_dim=2)
    def support(self) -> constraints.Constraint:
        """All real matrices."""
        return constraints.independent(constraints.real, 2)

    def expand(self, batch_shape: Sizes, _instance: Any = None) -> GaussianMRF:
        """The same model for a larger batch."""
        return self._copied(self._get_checked_instance(GaussianMRF, _instance), batch_shape, self.duration)

    def log_prob(self, value: Tensor) -> Tensor:
        """Log-density of whole series, nats. Shape: ``(*batch,)``."""
        self._checked(value)
        count, ((own, constant), observation, noise) = value.shape[-2], self._observation()
        likelihood, evidence = noise.likelihood(observation, value.unsqueeze(-1).double())
        chain = self._start(), *self._moves()  # once, as derivatives of the two integrals cancel
        seen = _integral(*chain, _product(own, likelihood), constant.plus(evidence), count)
        density = seen - _integral(*chain, own, constant, count)
        batch = broadcast_shapes(self._batch_shape, value.shape[:-2])
        return density[..., 0, 0, 0].expand(batch).to(torch.promote_types(value.dtype, self._dtype()))

    def rsample(self, sample_shape: Sizes = Size()) -> Tensor:
        """Series, with a pathwise derivative. Shape: ``(*sample_shape, *batch, steps, obs_dim)``.

        Raises:
            ArgumentError: the number of steps is not known.
        """
        if self.duration is None:
            raise ArgumentError(
                "GaussianMRF has no number of steps, as its factors are the same in all of them, so it cannot be "
                "sampled. Expand transition_dist to (*batch, steps), or give the site a value (obs=, condition)."
            )
        batch = Size(sample_shape) + self.batch_shape
        start, moves = self._chain()
        _, observation, noise = self._observation()
        moved = drawn(Moments(moves.offset, moves.covariance), (*batch, self.duration))
        states = affine_recurrence(moves.matrix, moved, drawn(start, (*batch, 1)), self.duration)
        value = applied(observation, states) + drawn(noise.moments, (*batch, self.duration))
        return value.squeeze(-1).to(self._dtype())

    @property
    def mean(self) -> Tensor:
        """The mean of the observations. Shape: ``(*batch, steps, obs_dim)``."""
        (start, moves), (_, observation, noise) = self._chain(), self._observation()
        states = affine_recurrence(moves.matrix, moves.offset, start.mean, self._event_shape[0])
        return (applied(observation, states) + noise.loc).squeeze(-1).expand(self.shape()).to(self._dtype())

    @property
    def variance(self) -> Tensor:
        """The variance of the observations. Shape: ``(*batch, steps, obs_dim)``."""
        (start, moves), (_, observation, noise) = self._chain(), self._observation()
        states = covariance_recurrence(moves.matrix, moves.covariance, start.covariance, self._event_shape[0])
        spread = ((observation @ states) * observation).sum(-1) + noise.covariance.diagonal(dim1=-2, dim2=-1)
        return spread.expand(self.shape()).to(self._dtype())

    def _dtype(self) -> torch.dtype:
        return self.initial_dist.mean.dtype

    def _observation(self) -> tuple[tuple[Likelihood, Evidence], Tensor, NormalNoise]:
        return _conditional(normal_noise("observation_dist", self.observation_dist), self.hidden_dim)

    def _moves(self) -> tuple[Likelihood, Transition]:
        """Each transition factor as a likelihood of its first state, but for a number, and a move to the second."""
        (own, _), matrix, noise = _conditional(normal_noise("transition_dist", self.transition_dist), self.hidden_dim)
        return own, Transition(matrix, *noise.moments)

    def _start(self) -> Moments:
        return normal_noise("initial_dist", self.initial_dist, has_time=False).moments

    def _chain(self) -> tuple[Moments, Transition]:
        """The states as a chain of conditional distributions."""
        (own, step), count, ((seen, _), _, _) = self._moves(), self._event_shape[0], self._observation()
        start, _ = conditioned(self._start(), of_steps(own, slice(None, 1)))
        later = Likelihood(*(_moved_forward(each, count) for each in own))
        return posterior_chain(start, step, _product(seen, later), count)


def _conditional(joint: NormalNoise, size: int) -> tuple[tuple[Likelihood, Evidence], Tensor, NormalNoise]:
    """A joint normal density as that of its first entries, and of the others given them: a matrix and noise.

    With the Cholesky factor in blocks ``((K, 0), (M, N))`` the others have the mean ``M K^-1 first`` and the
    covariance ``N N'``.
    """
    factor = torch.diag_embed(joint.scale.squeeze(-1)) if joint.is_diagonal else joint.scale
    first, cross, rest = factor[..., :size, :size], factor[..., size:, :size], factor[..., size:, size:]
    matrix = torch.linalg.solve_triangular(first, cross, upper=False, left=False)
    mean, others = joint.loc[..., :size, :], joint.loc[..., size:, :]
    identity = torch.eye(size, dtype=factor.dtype, device=factor.device).expand(1, size, size)
    own = NormalNoise(torch.zeros_like(mean), first, None).likelihood(identity, mean)
    return own, matrix, NormalNoise(others - applied(matrix, mean), rest, joint.observed)


def _product(first: Likelihood, second: Likelihood) -> Likelihood:
    return Likelihood(*(one + other for one, other in zip(first, second, strict=True)))


def _moved_forward(part: Tensor, count: int) -> Tensor:
    """In the place of each step the one after it, and zero in the place of the last."""
    whole = part.expand(*part.shape[:-3], count, *part.shape[-2:])
    return torch.cat([whole[..., 1:, :, :], torch.zeros_like(whole[..., :1, :, :])], -3)


def _integral(
    start: Moments, own: Likelihood, step: Transition, likelihood: Likelihood, constant: Evidence, count: int
) -> Tensor:
    """The logarithm of the integral over all states, where the observations have this likelihood.

    The numbers that transition factors have in common with every such integral are left out.
    """
    last = of_steps(likelihood, slice(-1, None))
    state, evidence = conditioned(start, of_steps(own, slice(None, 1)))
    state, evidence = advanced(state, of_steps(step, slice(None, 1))), evidence.plus(total(constant, count))
    if count > 1:
        before = _product(of_steps(likelihood, slice(None, -1)), of_steps(own, slice(1, None)))
        state, more = filtered(state, before, of_steps(step, slice(1, None)), count - 1)
        evidence = evidence.plus(more)
    energy, volume = evidence.plus(conditioned(state, last)[1])
    return energy + volume


@divergence(GaussianMRF, GaussianMRF)
def _kl_gaussian_mrf(p: GaussianMRF, q: GaussianMRF) -> Tensor:
    r"""Both are normal: :math:`\log p(m) - \log q(m) + (\operatorname{tr}(\Lambda_q \Lambda_p^{-1}) - n) / 2`.

    Here m is the mean of p, and the precisions are the curvatures of the log-densities, as dense matrices of all n
    observed numbers: time is cubic in the number of steps.
    """
    if p.event_shape != q.event_shape or p.duration is None or q.duration is None:
        raise NotImplementedError("A divergence of GaussianMRF needs two that have the same number of steps.")
    if any(normal_noise("observation_dist", each.observation_dist).observed is not None for each in (p, q)):
        raise NotImplementedError("A divergence of GaussianMRF with missing observations is not known.")
    with unchecked():
        mean = p.mean
        ratio = torch.linalg.solve(_precision(p), _precision(q)).diagonal(dim1=-2, dim2=-1).sum(-1)
        gap: Tensor = p.log_prob(mean) - q.log_prob(mean)
    excess: Tensor = (ratio - p.event_shape.numel()) / 2
    return gap + excess.to(gap.dtype)


def _precision(fn: GaussianMRF) -> Tensor:
    """The precision of all observed numbers. Shape: ``(*batch, n, n)``."""
    count = fn.event_shape.numel()

    def density(flat: Tensor) -> Tensor:
        return fn.log_prob(flat.reshape(fn.event_shape))

    origin = torch.zeros(count, dtype=torch.double, device=fn.mean.device)
    curvature: Tensor = torch.func.jacrev(torch.func.jacrev(density))(origin)
    return -curvature

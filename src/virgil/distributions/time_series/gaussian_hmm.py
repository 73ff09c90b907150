"""The linear Gaussian state-space model as one distribution."""

from __future__ import annotations

from typing import Any

import torch
from torch import Size, Tensor
from torch import distributions as td

from virgil.distributions.core.shape_algebra import Independent
from virgil.distributions.multivariate.multivariate_normal import MultivariateNormal
from virgil.distributions.time_series.state_space.normal_noise import NormalNoise, drawn, normal_from, normal_noise
from virgil.distributions.time_series.state_space.normal_state_space import NormalStateSpace
from virgil.errors import ArgumentError, ShapeError
from virgil.ops.affine_recurrence import affine_recurrence
from virgil.ops.broadcast import broadcast_shapes
from virgil.ops.linear_gaussian import Moments
from virgil.ops.sizes import Sizes

__all__ = ["GaussianHMM"]


class GaussianHMM(NormalStateSpace):
    r"""A series of vectors observed through a hidden linear chain, all noise normal; the states are integrated out.

    .. math:: z_t = z_{t-1} F_t + q_t \qquad x_t = z_t H_t + r_t \qquad t = 1, \dots, T

    Vectors are rows. The state :math:`z_0` comes before the first observation. ``log_prob``, ``filter`` and draws take
    a number of rounds that is the logarithm of the length *(Sarkka and Garcia-Fernandez 2021)*, in double precision.
    Where nothing depends on the step, the matrices of a round are one matrix. Shape: event ``(steps, obs_dim)``.

    The last dim of a batch of matrices or of noise is time; it may be 1, or left out together with all of the batch,
    where nothing depends on the step. Without ``duration`` such a series may have any length: ``event_shape`` then
    begins with 1, and there are no draws.

    An observation is missing where ``observation_dist`` is under a mask, ``observation_dist.mask(seen)`` with ``seen``
    of shape ``(*batch, steps)``, or ``Normal(...).mask(seen).to_event(1)`` for single entries. The value there, NaN or
    any number, counts for nothing.

    Standard deviations of noise, and of the first state, may differ by a factor of 1e6; beyond that digits are lost.

    Args:
        initial_dist: of :math:`z_0`. Shape: batch ``(*batch,)``, event ``(hidden_dim,)``.
        transition_matrix: :math:`F`. Shape: ``(*batch, steps or 1, hidden_dim, hidden_dim)``.
        transition_dist: of :math:`q`. Shape: batch ``(*batch, steps or 1)``, event ``(hidden_dim,)``.
        observation_matrix: :math:`H`. Shape: ``(*batch, steps or 1, hidden_dim, obs_dim)``.
        observation_dist: of :math:`r`. Shape: batch ``(*batch, steps or 1)``, event ``(obs_dim,)``.
        duration: the number of steps, where none of the others has it.

    Each distribution is a `MultivariateNormal`, or a `Normal` made one vector by ``to_event(1)``.

    Raises:
        ShapeError: shapes that do not fit together.
        ArgumentError: another distribution.

    >>> import virgil.distributions as dist
    >>> walk, one = dist.Normal(torch.zeros(1), 1.0).to_event(1), torch.ones(1, 1)
    >>> model = dist.GaussianHMM(walk, one, walk, one, walk)
    >>> model.log_prob(torch.tensor([[0.5], [1.0], [-0.3]]))
    tensor(-4.6141)
    """

    has_rsample = True

    def expand(self, batch_shape: Sizes, _instance: Any = None) -> GaussianHMM:
        """The same model for a larger batch."""
        return self._copied(self._get_checked_instance(GaussianHMM, _instance), batch_shape, self.duration)

    def log_prob(self, value: Tensor) -> Tensor:
        """Log-density of whole series, nats. Shape: ``(*batch,)``."""
        energy, volume = self._density(value)
        return (energy + volume)[..., 0, 0, 0].expand(self._batch_of(value)).to(self._dtype(value))

    def filter(self, value: Tensor) -> MultivariateNormal:
        """The distribution of the last state, given a series. Batch shape: ``(*batch,)``."""
        state, _ = self._filtered(value)
        return normal_from(state, self._dtype(value), self._batch_of(value), has_time=False)

    def rsample(self, sample_shape: Sizes = Size()) -> Tensor:
        """Series, with a pathwise derivative. Shape: ``(*sample_shape, *batch, steps, obs_dim)``.

        Raises:
            ArgumentError: the number of steps is not known.
        """
        return self._observations(self._noise(sample_shape))

    def rsample_posterior(self, value: Tensor, sample_shape: Sizes = Size()) -> Tensor:
        """Draws of the states, given a series, with a pathwise derivative.

        Returns:
            The states of all steps, without the one before the first. Shape: ``(*sample_shape, *batch, steps,
            hidden_dim)``.
        """
        count, batch = value.shape[-2], Size(sample_shape) + self._batch_of(value)
        start, moves = self._posterior(value)
        first = drawn(start, (*batch, 1))
        noise = drawn(Moments(moves.offset, moves.covariance), (*batch, count))
        states = affine_recurrence(moves.matrix, noise, first, count)
        return states.squeeze(-1).to(self._dtype(value))

    def prefix_condition(self, data: Tensor) -> GaussianHMM:
        """The rest of a series given its first steps, as a distribution of shorter series.

        Args:
            data: the first steps. Shape: ``(*batch, first steps, obs_dim)``.

        Raises:
            ShapeError: there are not more steps than those.
        """
        steps = data.shape[-2]
        if self.duration is None or self.duration <= steps:
            raise ShapeError(
                f"prefix_condition got {steps} steps for a GaussianHMM with duration={self.duration}; it takes fewer "
                "steps than a series has. Pass duration= where nothing depends on the step."
            )
        start = self._part(slice(None, steps), self.batch_shape, steps).filter(data)
        batch = broadcast_shapes(self.batch_shape, start.batch_shape)
        return self._part(slice(steps, None), batch, self.duration - steps, initial_dist=start)

    def conjugate_update(self, other: td.Distribution) -> tuple[GaussianHMM, Tensor]:
        """The product of this density and that of independent normal observations of the series.

        ``f.log_prob(x) + g.log_prob(x) == product.log_prob(x) + log_normalizer`` for every series ``x``.

        Args:
            other: vectors, one a step, that are one event: ``Normal(...).to_event(2)`` or
                ``MultivariateNormal(...).to_event(1)``.

        Returns:
            the product, whose parameters depend on the step, and the logarithm of its normaliser. Shape: ``(*batch,)``.

        Raises:
            ArgumentError: another distribution, or one with missing observations.
        """
        own, theirs = self._observation_noise(), _noise_of(other)
        if own.observed is not None or theirs.observed is not None:
            raise ArgumentError("conjugate_update of GaussianHMM takes no masks; leave out what is missing.")
        dtype, steps = self._dtype(), other.event_shape[0]
        batch = broadcast_shapes(self.batch_shape, other.batch_shape)
        seen = theirs.loc.expand(*batch, steps, self.obs_dim, 1).squeeze(-1)
        total = own.covariance + theirs.covariance
        outer = normal_from(Moments(own.loc, total), torch.double)
        apart = self._copied(self.__new__(type(self)), batch, steps, observation_dist=outer)
        start, moves = apart._posterior(seen)
        share = torch.linalg.solve(total, own.covariance).mT  # of the other's mean in the product's
        rest = torch.eye(self.obs_dim, dtype=total.dtype, device=total.device) - share
        noise = Moments(rest @ own.loc + share @ theirs.loc, rest @ own.covariance)
        updated = self._copied(
            self.__new__(type(self)),
            batch,
            steps,
            initial_dist=normal_from(start, dtype, has_time=False),
            transition_matrix=moves.matrix.mT.to(dtype),
            transition_dist=normal_from(Moments(moves.offset, moves.covariance), dtype),
            observation_matrix=(rest @ self._matrices(torch.double)[1]).mT.to(dtype),
            observation_dist=normal_from(noise, dtype),
        )
        return updated, apart.log_prob(seen).to(dtype)

    def _part(self, steps: slice, batch: Size, duration: int, **changed: Any) -> GaussianHMM:
        """The model of some steps."""
        matrices = {name: getattr(self, name) for name in ("transition_matrix", "observation_matrix")}
        cut = {
            name: each[..., steps, :, :] if each.dim() > 2 and each.shape[-3] > 1 else each
            for name, each in matrices.items()
        }
        noise = {
            name: normal_noise(name, getattr(self, name)).part(steps).distribution(self._dtype())
            for name in ("transition_dist", "observation_dist")
        }
        return self._copied(self.__new__(type(self)), batch, duration, **cut, **noise, **changed)


def _noise_of(other: td.Distribution) -> NormalNoise:
    """The noise of vectors, one a step, that are one event."""
    if not isinstance(other, td.Independent) or len(other.event_shape) != 2:
        raise ArgumentError(
            f"conjugate_update of GaussianHMM got {other}; it takes Normal(...).to_event(2), or "
            "MultivariateNormal(...).to_event(1), whose event is (steps, obs_dim)."
        )
    count = other.reinterpreted_batch_ndims - 1
    return normal_noise("other", Independent(other.base_dist, count) if count else other.base_dist)

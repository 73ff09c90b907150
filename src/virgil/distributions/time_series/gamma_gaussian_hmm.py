"""The linear state-space model whose noise has one unknown scale, as one distribution."""

from __future__ import annotations

from typing import Any

import torch
from torch import Size, Tensor
from torch import distributions as td

from virgil.distributions.continuous.gamma import Gamma
from virgil.distributions.core.shape_algebra import expanded
from virgil.distributions.multivariate.multivariate_normal import MultivariateNormal
from virgil.distributions.time_series.state_space.normal_noise import normal_from
from virgil.distributions.time_series.state_space.normal_state_space import NormalStateSpace
from virgil.errors import ArgumentError
from virgil.ops.broadcast import broadcast_shapes
from virgil.ops.sizes import Sizes

__all__ = ["GammaGaussianHMM"]


class GammaGaussianHMM(NormalStateSpace):
    r"""A series of vectors observed through a hidden linear chain, with one unknown factor of all precisions.

    .. math:: s \sim \mathrm{Gamma}(a, b) \qquad z_t = z_{t-1} F_t + q_t \qquad x_t = z_t H_t + r_t

    Here :math:`z_0`, :math:`q_t` and :math:`r_t` are normal with the stated means and the stated precisions times
    :math:`s`. States and factor are integrated out, so that all observations together have a multivariate Student
    distribution of :math:`2 a` degrees of freedom *(Tronarp, Karvonen and Sarkka 2019)*. Cost, masks for missing
    observations and series of any length are those of `GaussianHMM`. Shape: event ``(steps, obs_dim)``.

    Args:
        scale_dist: a `Gamma`, of :math:`s`. Shape: batch ``(*batch,)``.
        initial_dist: of :math:`z_0` if s is 1. Shape: batch ``(*batch,)``, event ``(hidden_dim,)``.
        transition_matrix: :math:`F`. Shape: ``(*batch, steps or 1, hidden_dim, hidden_dim)``.
        transition_dist: of :math:`q` if s is 1. Shape: batch ``(*batch, steps or 1)``, event ``(hidden_dim,)``.
        observation_matrix: :math:`H`. Shape: ``(*batch, steps or 1, hidden_dim, obs_dim)``.
        observation_dist: of :math:`r` if s is 1. Shape: batch ``(*batch, steps or 1)``, event ``(obs_dim,)``.
        duration: the number of steps, where none of the others has it.

    Raises:
        ShapeError: shapes that do not fit together.
        ArgumentError: other distributions.
    """

    has_rsample = True

    def __init__(
        self,
        scale_dist: td.Gamma,
        initial_dist: td.Distribution,
        transition_matrix: Tensor,
        transition_dist: td.Distribution,
        observation_matrix: Tensor,
        observation_dist: td.Distribution,
        validate_args: bool | None = None,
        duration: int | None = None,
    ) -> None:
        if not isinstance(scale_dist, td.Gamma):
            raise ArgumentError(f"scale_dist of GammaGaussianHMM is {scale_dist}; it is a Gamma.")
        self.scale_dist = scale_dist
        super().__init__(
            initial_dist,
            transition_matrix,
            transition_dist,
            observation_matrix,
            observation_dist,
            validate_args=validate_args,
            duration=duration,
        )

    def expand(self, batch_shape: Sizes, _instance: Any = None) -> GammaGaussianHMM:
        """The same model for a larger batch."""
        return self._copied(self._get_checked_instance(GammaGaussianHMM, _instance), batch_shape, self.duration)

    def log_prob(self, value: Tensor) -> Tensor:
        """Log-density of whole series, nats. Shape: ``(*batch,)``."""
        energy, volume = (each[..., 0, 0, 0] for each in self._density(value))
        prior = self._scale()
        posterior = self._given(prior, energy, value)
        density = volume + _log_mass(*prior) - _log_mass(*posterior)
        return density.expand(self._batch_of(value)).to(self._dtype(value))

    def filter(self, value: Tensor) -> tuple[Gamma, MultivariateNormal]:
        """The distribution of the factor given a series, and that of the last state if the factor is 1.

        For a factor of ``s`` the state has the same mean and ``s`` times the precision.

        Returns:
            both, each of batch shape ``(*batch,)``.
        """
        state, (energy, _) = self._filtered(value)
        batch, dtype = self._batch_of(value), self._dtype(value)
        scale = self._given(self._scale(), energy[..., 0, 0, 0], value)
        concentration, rate = (each.expand(batch).to(dtype) for each in scale)
        return Gamma(concentration, rate, validate_args=False), normal_from(state, dtype, batch, has_time=False)

    def rsample(self, sample_shape: Sizes = Size()) -> Tensor:
        """Series, with a pathwise derivative. Shape: ``(*sample_shape, *batch, steps, obs_dim)``.

        Raises:
            ArgumentError: the number of steps is not known.
        """
        start, *moved_and_observed = self._noise(sample_shape)
        spread = expanded(self.scale_dist, Size(sample_shape) + self.batch_shape).rsample().rsqrt().unsqueeze(-1)
        noise = [_scaled(start, self.initial_dist, spread)]
        for each, fn in zip(moved_and_observed, (self.transition_dist, self.observation_dist), strict=True):
            noise.append(_scaled(each, fn, spread.unsqueeze(-1)))
        return self._observations(noise)

    @property
    def variance(self) -> Tensor:
        """The variance of the observations; infinite where ``a`` is at most 1. Shape: ``(*batch, steps, obs_dim)``."""
        concentration, rate = self._scale()
        factor = torch.where(concentration > 1, rate / (concentration - 1).clamp_min(1e-300), torch.inf)
        return (super().variance * factor[..., None, None]).to(self._dtype())

    def _common_shape(self) -> Size:
        return broadcast_shapes(super()._common_shape(), (*self.scale_dist.batch_shape, 1))

    def _scale(self) -> tuple[Tensor, Tensor]:
        return self.scale_dist.concentration.double(), self.scale_dist.rate.double()

    def _given(self, prior: tuple[Tensor, Tensor], energy: Tensor, value: Tensor) -> tuple[Tensor, Tensor]:
        """Concentration and rate of the factor, given a series whose density has this energy."""
        concentration, rate = prior
        sizes = self._observation_noise().size
        total = sizes.sum((-3, -2, -1)) * (value.shape[-2] if sizes.shape[-3] == 1 else 1)
        return concentration + total / 2, rate - energy


def _log_mass(concentration: Tensor, rate: Tensor) -> Tensor:
    """The logarithm of a gamma density's normaliser."""
    return concentration * rate.log() - torch.lgamma(concentration)


def _scaled(noise: Tensor, fn: td.Distribution, spread: Tensor) -> Tensor:
    """Noise that is as much further from its mean. The batch of ``fn`` broadcasts with that of ``noise``."""
    return fn.mean + (noise - fn.mean) * spread

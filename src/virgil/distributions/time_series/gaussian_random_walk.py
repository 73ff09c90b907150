"""The random walk with normal steps."""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import Size, Tensor
from torch.distributions import constraints
from torch.nn.functional import pad

from virgil.distributions.core.broadcast_parameters import broadcast_pair
from virgil.distributions.core.shape_algebra import TorchDistributionMixin
from virgil.errors import ArgumentError
from virgil.ops.sizes import Sizes

__all__ = ["GaussianRandomWalk"]


class GaussianRandomWalk(TorchDistributionMixin):
    r"""A walk from zero with normal steps.

    .. math:: x_t = x_{t-1} + d + \sigma \epsilon_t \qquad x_0 = 0 \qquad \epsilon_t \sim N(0, 1)

    The event is :math:`x_1, \dots, x_T`. Shape: parameters ``(*batch,)``, event ``(num_steps,)``.

    Args:
        scale: :math:`\sigma`, > 0.
        num_steps: :math:`T`, at least 1.
        drift: :math:`d`, the mean of a step.

    Raises:
        ArgumentError: no steps.

    >>> import virgil.distributions as dist
    >>> dist.GaussianRandomWalk(0.1, num_steps=4).variance
    tensor([0.0100, 0.0200, 0.0300, 0.0400])
    """

    arg_constraints = {"scale": constraints.positive, "drift": constraints.real}
    support = constraints.real_vector
    has_rsample = True

    def __init__(
        self,
        scale: Tensor | float = 1.0,
        num_steps: int = 1,
        drift: Tensor | float = 0.0,
        validate_args: bool | None = None,
    ) -> None:
        if num_steps < 1:
            raise ArgumentError(f"GaussianRandomWalk got num_steps={num_steps}; it takes at least one step.")
        self.scale, self.drift = broadcast_pair(scale, drift)
        self.num_steps = num_steps
        super().__init__(self.scale.shape, Size([num_steps]), validate_args=validate_args)

    def expand(self, batch_shape: Sizes, _instance: Any = None) -> GaussianRandomWalk:
        """The same walk for a larger batch."""
        new = self._get_checked_instance(GaussianRandomWalk, _instance)
        new.scale, new.drift = self.scale.expand(batch_shape), self.drift.expand(batch_shape)
        new.num_steps = self.num_steps
        super(GaussianRandomWalk, new).__init__(Size(batch_shape), self._event_shape, validate_args=False)
        new._validate_args = self._validate_args
        return new

    def log_prob(self, value: Tensor) -> Tensor:
        """Log-density of whole walks, nats. Shape: ``(*batch,)``."""
        if self._validate_args:
            self._validate_sample(value)
        steps = value - pad(value[..., :-1], (1, 0))
        apart = (steps - self.drift.unsqueeze(-1)) / self.scale.unsqueeze(-1)
        return -apart.square().sum(-1) / 2 - self.num_steps * self._log_spread()

    def rsample(self, sample_shape: Sizes = Size()) -> Tensor:
        """Walks, with a pathwise derivative. Shape: ``(*sample_shape, *batch, num_steps)``."""
        noise = torch.randn(self.shape(sample_shape), dtype=self.scale.dtype, device=self.scale.device)
        return (self.drift.unsqueeze(-1) + self.scale.unsqueeze(-1) * noise).cumsum(-1)

    @property
    def mean(self) -> Tensor:
        """Shape: ``(*batch, num_steps)``."""
        return self.drift.unsqueeze(-1) * self._counts()

    @property
    def mode(self) -> Tensor:
        """Shape: ``(*batch, num_steps)``."""
        return self.mean

    @property
    def variance(self) -> Tensor:
        """Shape: ``(*batch, num_steps)``."""
        return self.scale.square().unsqueeze(-1) * self._counts()

    def entropy(self) -> Tensor:
        """Nats. Shape: ``(*batch,)``."""
        return self.num_steps * (self._log_spread() + 0.5)

    def _counts(self) -> Tensor:
        return torch.arange(1, self.num_steps + 1, dtype=self.scale.dtype, device=self.scale.device)

    def _log_spread(self) -> Tensor:
        return self.scale.log() + math.log(2 * math.pi) / 2

"""The autoregressive series."""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import Size, Tensor
from torch.distributions import constraints
from torch.distributions.utils import broadcast_all

from virgil.distributions.core.shape_algebra import TorchDistributionMixin
from virgil.errors import ArgumentError, ShapeError
from virgil.ops.affine_recurrence import affine_recurrence
from virgil.ops.broadcast import broadcast_shapes
from virgil.ops.sizes import Sizes

__all__ = ["AR"]


class AR(TorchDistributionMixin):
    r"""A series whose mean at each step is a linear function of the values before it.

    .. math:: x_t = c + \sum_{k=1}^{p} \phi_k x_{t-k} + \sigma \epsilon_t \qquad \epsilon_t \sim N(0, 1)

    The event is :math:`x_1, \dots, x_T`, given the ``p`` values before it. Draws take a number of rounds that is the
    logarithm of the length. Shape: event ``(num_steps,)``.

    Args:
        coefficients: :math:`\phi_1, \dots, \phi_p`, of the nearest value first. Shape: ``(*batch, p)``.
        scale: :math:`\sigma`, > 0. Shape: ``(*batch,)``.
        num_steps: :math:`T`, at least 1.
        initial: the values before the series, the earliest first; zeros if not given. Shape: ``(*batch, p)``.
        intercept: :math:`c`. Shape: ``(*batch,)``.

    Raises:
        ArgumentError: no steps.
        ShapeError: no coefficients, or another number of initial values.

    >>> import virgil.distributions as dist
    >>> dist.AR(torch.tensor([0.5]), 1.0, num_steps=3, initial=torch.tensor([8.0])).mean
    tensor([4., 2., 1.])
    """

    arg_constraints = {
        "coefficients": constraints.real_vector,
        "scale": constraints.positive,
        "initial": constraints.real_vector,
        "intercept": constraints.real,
    }
    support = constraints.real_vector
    has_rsample = True

    def __init__(
        self,
        coefficients: Tensor,
        scale: Tensor | float,
        num_steps: int,
        initial: Tensor | None = None,
        intercept: Tensor | float = 0.0,
        validate_args: bool | None = None,
    ) -> None:
        if num_steps < 1:
            raise ArgumentError(f"AR got num_steps={num_steps}; it takes at least one step.")
        order = coefficients.shape[-1:]
        initial = coefficients.new_zeros(order) if initial is None else initial
        if not order or not order[0] or initial.shape[-1:] != order:
            raise ShapeError(
                f"AR got coefficients of shape {tuple(coefficients.shape)} and initial of shape "
                f"{tuple(initial.shape)}; both are (*batch, p), one value before the series for each coefficient."
            )
        scale, intercept, _ = broadcast_all(scale, intercept, coefficients[..., 0])
        shape = broadcast_shapes(scale.shape, initial.shape[:-1])
        self.coefficients, self.initial = coefficients.expand(*shape, -1), initial.expand(*shape, -1)
        self.scale, self.intercept, self.num_steps = scale.expand(shape), intercept.expand(shape), num_steps
        super().__init__(shape, Size([num_steps]), validate_args=validate_args)

    def expand(self, batch_shape: Sizes, _instance: Any = None) -> AR:
        """The same series for a larger batch."""
        new = self._get_checked_instance(AR, _instance)
        new.coefficients, new.initial = (each.expand(*batch_shape, -1) for each in (self.coefficients, self.initial))
        new.scale, new.intercept = self.scale.expand(batch_shape), self.intercept.expand(batch_shape)
        new.num_steps = self.num_steps
        super(AR, new).__init__(Size(batch_shape), self._event_shape, validate_args=False)
        new._validate_args = self._validate_args
        return new

    def log_prob(self, value: Tensor) -> Tensor:
        """Log-density of whole series, nats. Shape: ``(*batch,)``."""
        if self._validate_args:
            self._validate_sample(value)
        batch, order = broadcast_shapes(value.shape[:-1], self._batch_shape), self.coefficients.shape[-1]
        whole = torch.cat([self.initial.expand(*batch, order), value.expand(*batch, -1)], -1)
        mean = self.intercept.unsqueeze(-1)
        for lag in range(1, order + 1):
            mean = mean + self.coefficients[..., lag - 1, None] * whole[..., order - lag : -lag]
        apart = (value - mean) / self.scale.unsqueeze(-1)
        return -apart.square().sum(-1) / 2 - self.num_steps * self._log_spread()

    def rsample(self, sample_shape: Sizes = Size()) -> Tensor:
        """Series, with a pathwise derivative. Shape: ``(*sample_shape, *batch, num_steps)``."""
        noise = torch.randn(self.shape(sample_shape), dtype=self.scale.dtype, device=self.scale.device)
        return self._followed(self.intercept.unsqueeze(-1) + self.scale.unsqueeze(-1) * noise, self.initial)

    @property
    def mean(self) -> Tensor:
        """Shape: ``(*batch, num_steps)``."""
        return self._followed(self.intercept.unsqueeze(-1).expand(self.shape()), self.initial)

    @property
    def mode(self) -> Tensor:
        """Shape: ``(*batch, num_steps)``."""
        return self.mean

    @property
    def variance(self) -> Tensor:
        """Shape: ``(*batch, num_steps)``. It is the sum of the squared responses to the noise of each step before."""
        first = torch.arange(self.num_steps, device=self.scale.device) == 0
        responses = self._followed(first.to(self.scale.dtype).expand(self.shape()), torch.zeros_like(self.initial))
        return self.scale.square().unsqueeze(-1) * responses.square().cumsum(-1)

    def entropy(self) -> Tensor:
        """Nats. Shape: ``(*batch,)``."""
        return self.num_steps * (self._log_spread() + 0.5)

    def _followed(self, inputs: Tensor, initial: Tensor) -> Tensor:
        """The series with these inputs beside the values before. Shape: ``(*batch, num_steps)``."""
        order = self.coefficients.shape[-1]
        shifted = torch.eye(order - 1, order, dtype=self.coefficients.dtype, device=self.coefficients.device)
        shifted = shifted.expand(*self._batch_shape, -1, -1)
        matrix = torch.cat([self.coefficients.unsqueeze(-2), shifted], -2).unsqueeze(-3)
        offset = torch.nn.functional.pad(inputs.unsqueeze(-1), (0, order - 1)).unsqueeze(-1)
        start = initial.flip(-1)[..., None, :, None].expand(*inputs.shape[:-1], 1, order, 1)
        return affine_recurrence(matrix, offset, start, self.num_steps)[..., 0, 0]

    def _log_spread(self) -> Tensor:
        return self.scale.log() + math.log(2 * math.pi) / 2

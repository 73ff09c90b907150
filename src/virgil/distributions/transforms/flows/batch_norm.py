"""Batch normalisation as a map."""

from __future__ import annotations

from typing import Any, cast

import torch
from torch import Tensor, nn

from virgil.distributions import constraints
from virgil.distributions.transforms.transform_module import TransformModule

__all__ = ["BatchNorm", "batchnorm"]


class BatchNorm(TransformModule):
    r"""Each entry is moved and stretched so that its inverse image has a learnt mean and scale over a batch.

    .. math:: x = \gamma \frac{y - \mu}{\sqrt{\sigma^2 + \epsilon}} + \beta

    is the inverse, which a density takes. In training mode the mean and the variance are those of the values whose
    inverse image is taken, over all dims but the last, and their running averages follow; so the map is not the inverse
    of its inverse then. In evaluation mode, and for an image, they are the running averages. The log-determinant takes
    mean and variance as constants.

    Source: Ioffe and Szegedy 2015, "Batch Normalization"; Dinh, Sohl-Dickstein and Bengio 2017, "Density estimation
    using Real NVP", section 3.7; Papamakarios, Pavlakou and Murray 2017, "Masked Autoregressive Flow for Density
    Estimation", section 3.1.

    Shape: ``(*batch, input_dim)`` to ``(*batch, input_dim)``. The log-determinant has the value's shape.

    Args:
        input_dim: the number of entries.
        momentum: the weight of a batch in the running averages.
        epsilon: a positive number, added to variances.

    Example:
        >>> import torch
        >>> from virgil.distributions.transforms import BatchNorm
        >>> norm = BatchNorm(2)
        >>> norm.inv(torch.tensor([[1.0, 10.0], [3.0, 30.0]])).mean(0)
        tensor([0., 0.], grad_fn=<MeanBackward1>)
    """

    domain = codomain = cast(constraints.Constraint, constraints.real)
    bijective = True
    sign = +1
    moving_mean: Tensor
    moving_variance: Tensor

    def __init__(self, input_dim: int, momentum: float = 0.1, epsilon: float = 1e-5) -> None:
        super().__init__()
        self.input_dim, self.momentum, self.epsilon = input_dim, momentum, epsilon
        self.gamma = nn.Parameter(torch.ones(input_dim))
        self.beta = nn.Parameter(torch.zeros(input_dim))
        self.register_buffer("moving_mean", torch.zeros(input_dim))
        self.register_buffer("moving_variance", torch.ones(input_dim))

    @property
    def constrained_gamma(self) -> Tensor:
        """The scale of inverse images, kept above zero. Shape: ``(input_dim,)``."""
        return self.gamma.relu() + 1e-6

    def _call(self, x: Tensor) -> Tensor:
        scale = (self.moving_variance + self.epsilon).sqrt()
        return (x - self.beta) / self.constrained_gamma * scale + self.moving_mean

    def _inverse(self, y: Tensor) -> Tensor:
        mean, variance = self._statistics(y)
        if self.training:
            with torch.no_grad():
                self.moving_mean.lerp_(mean, self.momentum)
                self.moving_variance.lerp_(variance, self.momentum)
        return (y - mean) * self.constrained_gamma / (variance + self.epsilon).sqrt() + self.beta

    def _statistics(self, y: Tensor) -> tuple[Tensor, Tensor]:
        if not self.training:
            return self.moving_mean, self.moving_variance
        rows = y.reshape(-1, y.shape[-1])
        return rows.mean(0), rows.var(0)

    def log_abs_det_jacobian(self, x: Tensor, y: Tensor) -> Tensor:
        """The logarithm of the slope of an entry's image. Shape: that of ``x``."""
        _, variance = self._statistics(y)
        log_slope = (variance + self.epsilon).log() / 2 - self.constrained_gamma.log()
        return log_slope.expand(x.shape)


def batchnorm(input_dim: int, **kwargs: Any) -> BatchNorm:
    """A :class:`BatchNorm` map.

    Args:
        input_dim: the number of entries.
        kwargs: as of :class:`BatchNorm`.
    """
    return BatchNorm(input_dim, **kwargs)

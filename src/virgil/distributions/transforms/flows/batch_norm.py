"""Batch normalisation as a map."""

from __future__ import annotations

from typing import Any, cast

import torch
from torch import Tensor, nn

from virgil.distributions import constraints
from virgil.distributions.transforms.flows.layer import Layer
from virgil.errors import ShapeError

__all__ = ["BatchNorm", "batchnorm"]


class BatchNorm(Layer):
    r"""Each entry is moved and stretched so that its inverse image has a learnt mean and scale over a batch.

    .. math:: x = \gamma \frac{y - \mu}{\sqrt{\sigma^2 + \epsilon}} + \beta

    is the inverse, which a density takes. In training mode the mean and the variance are those of the values whose
    inverse image is taken, over all dims but the last, and their running averages follow; so the map is not the inverse
    of its inverse then. In evaluation mode, and for an image, they are the running averages, and so they are for a
    draw's density. The log-determinant takes mean and variance as constants.

    Source: Ioffe and Szegedy 2015, "Batch Normalization"; Dinh, Sohl-Dickstein and Bengio 2017, "Density estimation
    using Real NVP", section 3.7; Papamakarios, Pavlakou and Murray 2017, "Masked Autoregressive Flow for Density
    Estimation".

    Shape: ``(*batch, input_dim)`` to ``(*batch, input_dim)``. The log-determinant has the value's shape.

    Args:
        input_dim: the number of entries.
        momentum: the weight of a batch in the running averages.
        epsilon: a positive number, added to variances.

    Raises:
        ShapeError: fewer than two rows in training mode.

    Example:
        >>> import torch
        >>> from virgil.distributions.transforms import BatchNorm
        >>> norm = BatchNorm(2)
        >>> norm.inv(torch.tensor([[1.0, 10.0], [3.0, 30.0]])).mean(0)
        tensor([0., 0.], grad_fn=<MeanBackward1>)
    """

    domain = codomain = cast(constraints.Constraint, constraints.real)
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

    def _image(self, x: Tensor) -> tuple[Tensor, Tensor]:
        scale = (self.moving_variance + self.epsilon).sqrt() / self.constrained_gamma
        return (x - self.beta) * scale + self.moving_mean, scale.log().expand(x.shape)

    def _inverse_image(self, y: Tensor) -> tuple[Tensor, Tensor]:
        # called as a module is: who watches networks learns that this one writes into its buffers
        mean, variance = nn.Module.__call__(self, y)
        scale = (variance + self.epsilon).sqrt() / self.constrained_gamma
        return (y - mean) / scale + self.beta, scale.log().expand(y.shape)

    def forward(self, y: Tensor) -> tuple[Tensor, Tensor]:
        """Mean and variance of a batch, which the running averages follow; in evaluation mode these averages.

        Shape: ``(*batch, input_dim)`` to ``(input_dim,)`` both.
        """
        if not self.training:
            return self.moving_mean, self.moving_variance
        rows = y.reshape(-1, y.shape[-1])
        if len(rows) < 2:
            raise ShapeError(
                f"BatchNorm got a value of shape {tuple(y.shape)} in training mode; a mean and a variance need at "
                "least two rows. Call eval() on the map, or give it a batch."
            )
        mean, variance = rows.mean(0), rows.var(0)
        with torch.no_grad():
            self.moving_mean.lerp_(mean, self.momentum)
            self.moving_variance.lerp_(variance, self.momentum)
        return mean, variance


def batchnorm(input_dim: int, **kwargs: Any) -> BatchNorm:
    """A :class:`BatchNorm` map.

    Args:
        input_dim: the number of entries.
        kwargs: as of :class:`BatchNorm`.
    """
    return BatchNorm(input_dim, **kwargs)

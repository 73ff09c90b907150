"""The ground of mixtures of normal vectors with independent entries."""

from __future__ import annotations

import torch
from torch import Size, Tensor

from virgil.distributions import constraints
from virgil.distributions.core.shape_algebra import TorchDistributionMixin
from virgil.ops.diagonal_mixture import diagonal_mixture_draws, diagonal_mixture_log_density
from virgil.ops.double_precision import in_double
from virgil.ops.sizes import Sizes

__all__ = ["DiagonalMixture"]


class DiagonalMixture(TorchDistributionMixin):
    """A mixture that knows the means, scales and weights of its components.

    A family sets its parameters, each of which spans the batch, and gives them by the method ``_components``.
    """

    support = constraints.real_vector
    has_rsample = True
    component_logits: Tensor

    @classmethod
    def infer_shapes(cls, **arg_shapes: Sizes) -> tuple[Size, Size]:
        batch_shape, _ = super().infer_shapes(**arg_shapes)
        return batch_shape, Size(arg_shapes["coord_scale"])[-1:]

    def _components(self) -> tuple[Tensor, Tensor]:
        """Means and standard deviations. Shape: ``(*batch, components, n)`` each."""
        raise NotImplementedError

    def rsample(self, sample_shape: Sizes = Size()) -> Tensor:
        locs, scales = self._components()
        given = (locs, scales, self.component_logits)
        batch = Size(sample_shape) + self._batch_shape
        return diagonal_mixture_draws(*(each.expand(batch + each.shape[len(self._batch_shape) :]) for each in given))

    def log_prob(self, value: Tensor) -> Tensor:
        if self._validate_args:
            self._validate_sample(value)
        return in_double(diagonal_mixture_log_density, value, *self._components(), self.component_logits)

    @property
    def mean(self) -> Tensor:
        return (self._weights * self._components()[0]).sum(-2)

    @property
    def variance(self) -> Tensor:
        locs, scales = self._components()
        spread = (locs - self.mean.unsqueeze(-2)).square()
        return (self._weights * (scales.square() + spread)).sum(-2)

    @property
    def _weights(self) -> Tensor:
        return torch.softmax(self.component_logits, -1).unsqueeze(-1)

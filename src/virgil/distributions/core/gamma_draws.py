"""Draws of the gamma distribution."""

from __future__ import annotations

import torch
from torch import Size, Tensor
from torch import distributions as td

from virgil.ops.gradient_graph import wants_derivative
from virgil.ops.pathwise_gamma import moving_gamma_draws
from virgil.ops.sizes import Sizes

__all__ = ["GammaDraws"]


class GammaDraws(td.Gamma):
    """Torch's gamma distribution, whose draws in double precision have exact derivatives by the concentration."""

    def rsample(self, sample_shape: Sizes = Size()) -> Tensor:
        """Draws with a pathwise derivative of first order. Shape: ``(*sample_shape, *batch)``."""
        if self.concentration.dtype is not torch.double or not wants_derivative(self.concentration):
            return super().rsample(sample_shape)
        draw = super().rsample(sample_shape).detach() * self.rate.detach()
        moving = moving_gamma_draws(draw, self.concentration.expand(draw.shape)) / self.rate
        return moving.clamp_min(torch.finfo(moving.dtype).tiny)

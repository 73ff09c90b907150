"""Draws of the Dirichlet distribution."""

from __future__ import annotations

import torch
from torch import Size, Tensor
from torch import distributions as td

from virgil.ops.gradient_graph import wants_derivative
from virgil.ops.mapping import is_mapped
from virgil.ops.pathwise_gamma import moving_dirichlet_draws
from virgil.ops.sizes import Sizes

__all__ = ["SimplexDraws"]


class SimplexDraws(td.Dirichlet):
    """Torch's Dirichlet, whose draws may be taken for many executions at once.

    Torch's own draw cannot, and is made there of gamma variables divided by their sum. These are in double precision,
    since several small ones would all underflow to zero. Concentrations in double precision have exact derivatives of
    first order, not torch's approximations.
    """

    def rsample(self, sample_shape: Sizes = Size()) -> Tensor:
        """Draws with a pathwise derivative. Shape: ``(*sample_shape, *batch, n)``."""
        is_exact = self.concentration.dtype is torch.double and wants_derivative(self.concentration)
        drawn = self._by_gammas(sample_shape) if is_mapped() else super().rsample(sample_shape)
        return moving_dirichlet_draws(drawn.detach(), self.concentration.expand(drawn.shape)) if is_exact else drawn

    def _by_gammas(self, sample_shape: Sizes) -> Tensor:
        concentration = self.concentration.expand(self._extended_shape(sample_shape)).double()
        parts = td.Gamma(concentration, torch.ones_like(concentration), validate_args=False).rsample()
        drawn = (parts / parts.sum(-1, keepdim=True)).to(self.concentration.dtype)
        return drawn.clamp(min=torch.finfo(drawn.dtype).tiny)

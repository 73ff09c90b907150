"""Draws of the Dirichlet distribution."""

from __future__ import annotations

import torch
from torch import Size, Tensor
from torch import distributions as td

from virgil.ops.gradient_graph import wants_derivative
from virgil.ops.mapping import is_mapped
from virgil.ops.pathwise_gamma import exact_dirichlet_draws, exact_gamma_draws
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
        shape = self._extended_shape(sample_shape)
        is_exact = self.concentration.dtype is torch.double and wants_derivative(self.concentration)
        if not is_mapped():
            return (
                exact_dirichlet_draws(self.concentration.expand(shape)) if is_exact else super().rsample(sample_shape)
            )
        concentration = self.concentration.expand(shape).double()
        parts = exact_gamma_draws(concentration) if is_exact else torch._standard_gamma(concentration)
        parts = parts.clamp_min(torch.finfo(torch.double).tiny)
        drawn = (parts / parts.sum(-1, keepdim=True)).to(self.concentration.dtype)
        return drawn.clamp(min=torch.finfo(drawn.dtype).tiny)

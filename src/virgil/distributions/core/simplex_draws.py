"""Draws of the Dirichlet distribution."""

from __future__ import annotations

import torch
from torch import Size, Tensor
from torch import distributions as td

from virgil.ops.mapping import is_mapped
from virgil.ops.sizes import Sizes

__all__ = ["SimplexDraws"]


class SimplexDraws(td.Dirichlet):
    """Torch's Dirichlet, whose draws may be taken for many executions at once.

    Torch's own draw cannot, and is made there of gamma variables divided by their sum. These are in double precision,
    since several small ones would all underflow to zero.
    """

    def rsample(self, sample_shape: Sizes = Size()) -> Tensor:
        """Draws with a pathwise derivative. Shape: ``(*sample_shape, *batch, n)``."""
        if not is_mapped():
            return super().rsample(sample_shape)
        concentration = self.concentration.expand(self._extended_shape(sample_shape)).double()
        parts = td.Gamma(concentration, torch.ones_like(concentration), validate_args=False).rsample()
        drawn = (parts / parts.sum(-1, keepdim=True)).to(self.concentration.dtype)
        return drawn.clamp(min=torch.finfo(drawn.dtype).tiny)

"""Beta and Dirichlet draws made of gamma variables."""

from __future__ import annotations

import torch
from torch import Size, Tensor
from torch import distributions as td

from virgil.distributions.continuous.beta import Beta
from virgil.distributions.multivariate.dirichlet import Dirichlet
from virgil.ops.sizes import Sizes

__all__ = ["NaiveBeta", "NaiveDirichlet"]


def _shares(concentration: Tensor, shape: Size) -> Tensor:
    """Gamma variables divided by their sum. Shape: ``(*shape,)``."""
    parts = td.Gamma(concentration.expand(shape), torch.ones_like(concentration)).rsample()
    return parts / parts.sum(-1, keepdim=True)


class NaiveDirichlet(Dirichlet):
    """The Dirichlet distribution; a draw is made of gamma variables, whose derivatives it has."""

    def rsample(self, sample_shape: Sizes = Size()) -> Tensor:
        """Draws. Shape: ``(*sample_shape, *batch, n)``."""
        return _shares(self.concentration, self.shape(sample_shape))


class NaiveBeta(Beta):
    """The beta distribution; a draw is made of two gamma variables, whose derivatives it has."""

    def rsample(self, sample_shape: Sizes = Size()) -> Tensor:
        """Draws. Shape: ``(*sample_shape, *batch)``."""
        both = torch.stack([self.concentration1, self.concentration0], -1)
        return _shares(both, self.shape(sample_shape) + Size((2,)))[..., 0]

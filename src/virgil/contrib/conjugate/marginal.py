"""Observations of one latent variable that has been integrated out."""

from __future__ import annotations

from typing import Any

import torch
from torch import Size, Tensor
from torch.distributions import constraints

from virgil.contrib.conjugate.pairs import ConjugatePair
from virgil.distributions.core.shape_algebra import TorchDistributionMixin
from virgil.ops.sizes import Sizes

__all__ = ["Marginal"]


class Marginal(TorchDistributionMixin):
    """The joint distribution of observations, with the latent variable of their pair integrated out.

    Observations along dims that the latent variable lacks depend on each other. Each is scored given those before it,
    ``log p(y) = sum_j log p(y_j | y_1 ... y_{j-1})``, where each factor is the pair's compound distribution with the
    parameters that the earlier observations have moved. Shape: that of the conditional distribution.

    Args:
        pair: the pair.
        latent: the latent variable's distribution.
        conditional: that of the observations given the latent variable.

    Attributes:
        site: the name of the latent variable.
    """

    arg_constraints: dict[str, constraints.Constraint] = {}

    def __init__(self, pair: ConjugatePair, latent: Any, conditional: Any, site: str = "") -> None:
        self.pair = pair
        self.latent = latent
        self.conditional = conditional
        self.site = site
        super().__init__(conditional.batch_shape, validate_args=False)

    @constraints.dependent_property(is_discrete=True, event_dim=0)
    def support(self) -> Any:
        return self._alone().support

    def _alone(self) -> Any:
        """The distribution of each observation as if there were no others."""
        return self.pair.marginal(*self.pair.parameters_of(self.latent), self.conditional)

    def expand(self, batch_shape: Sizes, _instance: Any = None) -> Marginal:
        """The same distribution repeated over dims on the left, each with a latent variable of its own."""
        left = len(batch_shape) - len(self._batch_shape)
        own = (1,) * (len(self._batch_shape) - len(self.latent.batch_shape)) + tuple(self.latent.batch_shape)
        # a dim that is repeated here is one of independent repetitions
        grown = [
            size if offset < left or self._batch_shape[offset - left] != size else own[offset - left]
            for offset, size in enumerate(batch_shape)
        ]
        return Marginal(self.pair, self.latent.expand(Size(grown)), self.conditional.expand(batch_shape), self.site)

    def sample(self, sample_shape: Sizes = Size()) -> Tensor:
        """Draw the latent variable, and observations of it."""
        with torch.no_grad():
            shape = Size(sample_shape)
            own = (1,) * (len(self._batch_shape) - len(self.latent.batch_shape)) + tuple(self.latent.batch_shape)
            latent = self.latent.sample(shape).reshape(shape + own).expand(self.shape(shape))
            draw: Tensor = self.pair.given(latent, self.conditional).sample()
            return draw

    def log_prob(self, value: Tensor) -> Tensor:
        shape = torch.broadcast_shapes(self._batch_shape, value.shape)
        value = value.expand(shape)
        first, second = self.pair.parameters_of(self.latent)
        dims = self.shared_dims()
        earlier = [_sum_before(added.expand(shape), dims) for added in self.pair.added(self.conditional, value)]
        log_prob: Tensor = self.pair.marginal(first + earlier[0], second + earlier[1], self.conditional).log_prob(value)
        return log_prob

    def shared_dims(self) -> list[int]:
        """The dims along which observations have the same latent variable."""
        own = self.latent.batch_shape
        return [
            dim
            for dim in range(-len(self._batch_shape), 0)
            if self._batch_shape[dim] > 1 and (len(own) < -dim or own[dim] == 1)
        ]

    def posterior(self, obs: Tensor) -> Any:
        """The latent variable's distribution after the observations."""
        return self.pair.updated(self.latent, self.conditional, obs)


def _sum_before(values: Tensor, dims: list[int]) -> Tensor:
    """The sum of the entries before each one, along these dims together, the last of them fastest."""
    if not dims:
        return torch.zeros_like(values)
    last = list(range(-len(dims), 0))
    moved = values.movedim(dims, last)
    flat = moved.flatten(-len(dims))
    before = flat.cumsum(-1) - flat
    return before.reshape(moved.shape).movedim(last, dims)

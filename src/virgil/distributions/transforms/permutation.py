"""Permutations of a dim as maps."""

from __future__ import annotations

from typing import cast

import torch
from torch import Tensor
from torch.distributions.transforms import Transform

from virgil.distributions import constraints
from virgil.distributions.transforms.event_dims import checked_dim
from virgil.errors import ArgumentError, shown

__all__ = ["Permute", "permute"]


class Permute(Transform):
    """A permutation along a dim; its Jacobian is 1.

    Between autoregressive or coupling maps it lets each variable depend on each other one.

    Shape: the size of ``dim`` stays; the event has ``-dim`` dims.

    Args:
        permutation: entry i of the image is entry ``permutation[i]`` of the value. Shape: ``(size,)``.
        dim: the negative dim along which it acts.
        cache_size: 1 to keep the last value and its image, 0 to keep none.

    Raises:
        ArgumentError: ``dim`` is no negative integer, or the permutation is no vector of integers.

    >>> Permute(torch.tensor([2, 0, 1]))(torch.tensor([10.0, 11.0, 12.0]))
    tensor([12., 10., 11.])
    """

    bijective = True
    volume_preserving = True

    def __init__(self, permutation: Tensor, *, dim: int = -1, cache_size: int = 1) -> None:
        super().__init__(cache_size=cache_size)
        self.dim = checked_dim(self, dim)
        permutation = torch.as_tensor(permutation)
        if permutation.dim() != 1 or permutation.is_floating_point():
            raise ArgumentError(
                f"Permute got permutation={shown(permutation)}; it takes a vector with each whole number from 0 to its "
                "length, excluding it."
            )
        self.permutation = permutation

    @property
    def domain(self) -> constraints.Constraint:  # type: ignore[override]
        """Real tensors of ``-dim`` dims."""
        return cast(constraints.Constraint, constraints.independent(constraints.real, -self.dim))

    codomain = domain

    @property
    def inv_permutation(self) -> Tensor:
        """The permutation that undoes this one. Shape: ``(size,)``."""
        return self.permutation.argsort()

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Permute) or self.dim != other.dim:
            return False
        return torch.equal(self.permutation, other.permutation)

    __hash__ = Transform.__hash__

    def with_cache(self, cache_size: int = 1) -> Permute:
        """The same map with this size of cache."""
        if self._cache_size == cache_size:
            return self
        return Permute(self.permutation, dim=self.dim, cache_size=cache_size)

    def _call(self, x: Tensor) -> Tensor:
        return x.index_select(self.dim, self.permutation.to(x.device))

    def _inverse(self, y: Tensor) -> Tensor:
        return y.index_select(self.dim, self.inv_permutation.to(y.device))

    def log_abs_det_jacobian(self, x: Tensor, y: Tensor) -> Tensor:
        return x.new_zeros(x.shape[: x.dim() + self.dim])


def permute(input_dim: int | tuple[int, ...], permutation: Tensor | None = None, dim: int = -1) -> Permute:
    """A new :class:`Permute`.

    Args:
        input_dim: the size of the dim, or for a dim left of the last one the shape of the event.
        permutation: as there. Default: a random one.
        dim: the negative dim along which it acts.

    Raises:
        ArgumentError: as there, or ``input_dim`` has another number of sizes than the event has dims.
    """
    shape = (input_dim,) if isinstance(input_dim, int) else tuple(input_dim)
    if dim < 0 and len(shape) != -dim:
        raise ArgumentError(
            f"permute got input_dim={shown(input_dim)} for dim={dim}; it takes the shape of the event, {-dim} sizes."
        )
    return Permute(torch.randperm(shape[0]) if permutation is None else permutation, dim=dim)

"""A tensor of logarithms whose dims have names."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from virgil.ops.semiring import Semiring

__all__ = ["Factor", "product"]


@dataclass(frozen=True, slots=True)
class Factor:
    """Logarithms over named dims. Shape of ``logs``: one dim for each of ``dims``, in their order."""

    logs: Tensor
    dims: tuple[str, ...]

    def size(self, dim: str) -> int:
        """The number of values along a dim."""
        return self.logs.shape[self.dims.index(dim)]

    def aligned(self, dims: Sequence[str]) -> Tensor:
        """The logarithms with their dims in this order. A dim that the factor lacks has size 1."""
        if tuple(dims) == self.dims:
            return self.logs
        logs = self.logs.permute([self.dims.index(dim) for dim in dims if dim in self.dims])
        sizes = iter(logs.shape)
        return logs.reshape([next(sizes) if dim in self.dims else 1 for dim in dims])

    def eliminated(self, dims: frozenset[str], semiring: Semiring) -> Factor:
        """The factor after the semiring has reduced the dims."""
        gone = tuple(place - len(self.dims) for place, dim in enumerate(self.dims) if dim in dims)
        if not gone:
            return self
        return Factor(semiring.reduce(self.logs, gone), tuple(dim for dim in self.dims if dim not in dims))

    def multiplied(self, dims: frozenset[str], weights: Mapping[str, float]) -> Factor:
        """The product over independent slots along the dims, each to the power of its weight."""
        gone = [place for place, dim in enumerate(self.dims) if dim in dims]
        if not gone:
            return self
        weight = 1.0
        for dim in dims.intersection(self.dims):
            weight *= weights.get(dim, 1.0)
        logs = self.logs.sum(gone)
        return Factor(logs if weight == 1.0 else logs * weight, tuple(dim for dim in self.dims if dim not in dims))


def product(factors: Sequence[Factor]) -> Factor:
    """The product of factors, over the union of their dims."""
    if len(factors) == 1:
        return factors[0]
    dims = tuple(dict.fromkeys(dim for factor in factors for dim in factor.dims))
    total: Tensor | None = None
    for factor in factors:
        logs = factor.aligned(dims)
        total = logs if total is None else total + logs
    return Factor(torch.zeros(()) if total is None else total, dims)

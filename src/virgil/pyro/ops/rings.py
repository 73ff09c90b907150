"""Semirings as objects with the old methods, over packed tensors."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Sequence
from typing import Any, ClassVar

import opt_einsum
import torch
from torch import Tensor

from virgil.ops.factor import Factor
from virgil.ops.semiring import MAXIMUM, SAMPLE, SUM, Semiring
from virgil.ops.sum_product import contract
from virgil.pyro.ops.packed import dims_of, named

__all__ = ["LinearRing", "LogRing", "MapRing", "MarginalRing", "Ring", "SampleRing"]

Ordinal = frozenset[str]


class Ring(ABC):
    """How terms are multiplied, and how dims are eliminated.

    Args:
        cache: not read.
        dim_to_size: by name, the sizes of plates.
    """

    zero: ClassVar[float]
    one: ClassVar[float]

    def __init__(self, cache: Any = None, dim_to_size: dict[str, int] | None = None) -> None:
        self._dim_to_size = dim_to_size or {}

    @abstractmethod
    def sumproduct(self, terms: Sequence[Tensor], dims: Iterable[str]) -> Tensor:
        """The product of terms with these dims eliminated."""

    @abstractmethod
    def product(self, term: Tensor, ordinal: Ordinal) -> Tensor:
        """The product over the slots of these plates."""

    @abstractmethod
    def inv(self, term: Tensor) -> Tensor:
        """The reciprocal; the largest finite number where there is none."""

    def broadcast(self, term: Tensor, ordinal: Ordinal) -> Tensor:
        """With these plates, along which a term that lacks one is constant."""
        lacking = sorted(ordinal - set(dims_of(term)))
        if not lacking:
            return term
        sizes = [self._dim_to_size[dim] for dim in lacking]
        return named(term.expand(*sizes, *term.shape), "".join(lacking) + dims_of(term))

    def global_local(self, term: Tensor, dims: Iterable[str], ordinal: Ordinal) -> tuple[Tensor, Tensor]:
        """The term's sum over ``dims`` multiplied over plates, and the term divided by that sum."""
        total = self.sumproduct([term], dims)
        return self.product(total, ordinal), self.sumproduct([term, self.inv(total)], ())


class LinearRing(Ring):
    """Sums and products of numbers."""

    zero = 0.0
    one = 1.0

    def sumproduct(self, terms: Sequence[Tensor], dims: Iterable[str]) -> Tensor:
        every = list(dict.fromkeys("".join(map(dims_of, terms))))
        symbols = {dim: opt_einsum.get_symbol(place) for place, dim in enumerate(every)}
        output = "".join(dim for dim in every if dim not in set(dims))
        inputs = ",".join("".join(symbols[dim] for dim in dims_of(term)) for term in terms)
        equation = f"{inputs}->{''.join(symbols[dim] for dim in output)}"
        result: Tensor = opt_einsum.contract(equation, *terms, backend="torch")
        return named(result.view_as(result), output)

    def product(self, term: Tensor, ordinal: Ordinal) -> Tensor:
        dims = dims_of(term)
        for dim in sorted(ordinal.intersection(dims)):
            term, dims = term.prod(dims.index(dim)), dims.replace(dim, "")
        return named(term, dims)

    def inv(self, term: Tensor) -> Tensor:
        return named(term.reciprocal().clamp(max=torch.finfo(term.dtype).max), dims_of(term))


class LogRing(Ring):
    """Sums and products of numbers, given as logarithms."""

    zero = -torch.inf
    one = 0.0
    semiring: ClassVar[Semiring] = SUM

    def sumproduct(self, terms: Sequence[Tensor], dims: Iterable[str]) -> Tensor:
        factors = [Factor(term, tuple(dims_of(term))) for term in terms]
        total = contract(factors, frozenset(dims), self.semiring)
        return named(total.logs.view_as(total.logs), "".join(total.dims))

    def product(self, term: Tensor, ordinal: Ordinal) -> Tensor:
        total = Factor(term, tuple(dims_of(term))).multiplied(ordinal, {})
        return named(total.logs, "".join(total.dims))

    def inv(self, term: Tensor) -> Tensor:
        return named((-term).clamp(max=torch.finfo(term.dtype).max), dims_of(term))


class MarginalRing(LogRing):
    """Sums of numbers given as logarithms, whose derivative is the posterior of each value."""


class MapRing(LogRing):
    """The maximum in place of the sum, whose derivative is one at the value that attains it."""

    semiring = MAXIMUM


class SampleRing(LogRing):
    """Sums of numbers given as logarithms, whose derivative is one at a value drawn from the posterior."""

    semiring = SAMPLE

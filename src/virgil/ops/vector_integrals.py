"""Integrals of functions of vectors, such as Gaussians, over entries that do not stand at an end."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol, Self, TypeVar

from virgil.errors import ArgumentError

__all__ = ["OfVectors", "integrated_product", "without_middle"]


class OfVectors(Protocol):
    """A function of vectors."""

    def dim(self) -> int:
        """The size of a vector."""
        ...

    def event_permute(self, perm: Sequence[int], /) -> Self:
        """As a function of permuted vectors."""
        ...

    def marginalize(self, left: int = 0, right: int = 0) -> Self:
        """The integral over some entries on one side."""
        ...

    def __add__(self, other: Self, /) -> Self:
        """The product of two functions, whose logarithms add up."""
        ...


Function = TypeVar("Function", bound=OfVectors)
Function_co = TypeVar("Function_co", bound=OfVectors, covariant=True)


class Padded(Protocol[Function_co]):
    """A function of vectors that becomes one of longer vectors."""

    def dim(self) -> int:
        """The size of a vector."""
        ...

    def event_pad(self, left: int = 0, right: int = 0) -> Function_co:
        """As a function of longer vectors."""
        ...


def integrated_product(caller: str, x: Padded[Function], y: Padded[Function], dims: int) -> Function:
    r"""The integral :math:`\int x(a, b)\, y(b, c)\, db`, a function of ``(a, c)``.

    Args:
        caller: the function that a user has called, for errors.
        x: of vectors ``(a, b)``.
        y: of vectors ``(b, c)``.
        dims: the size of ``b``.

    Raises:
        ArgumentError: ``b`` is larger than the vectors.
    """
    if not 0 <= dims <= min(x.dim(), y.dim()):
        raise ArgumentError(
            f"{caller} got dims={dims} for vectors of sizes {x.dim()} and {y.dim()}; they share no more entries than "
            "each has."
        )
    before, after = x.dim() - dims, y.dim() - dims
    return without_middle(x.event_pad(right=after) + y.event_pad(left=before), before, dims)


def without_middle(joint: Function, before: int, middle: int) -> Function:
    """The integral over ``middle`` entries that stand after ``before`` others."""
    places = list(range(joint.dim()))
    moved = places[:before] + places[before + middle :] + places[before : before + middle]
    return joint.event_permute(moved).marginalize(right=middle)

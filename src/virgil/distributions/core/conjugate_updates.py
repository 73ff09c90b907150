"""Products of two densities of one conjugate family."""

from __future__ import annotations

from typing import Any, TypeVar

from torch import distributions as td

from virgil.errors import ArgumentError

__all__ = ["NoConjugateUpdateError", "of_family"]

_Family = TypeVar("_Family", bound=td.Distribution)


class NoConjugateUpdateError(ArgumentError, NotImplementedError):
    """Also a NotImplementedError, by which programs learn that a family has no such update."""


def of_family(family: type[_Family], other: Any) -> _Family:
    """The other density of the product.

    Raises:
        ArgumentError: it is of another family.
    """
    if isinstance(other, family):
        return other
    raise NoConjugateUpdateError(
        f"conjugate_update of {family.__name__} got {type(other).__name__}; it multiplies the density by another "
        f"one of the same family, so write the likelihood as a {family.__name__} of the latent variable."
    )

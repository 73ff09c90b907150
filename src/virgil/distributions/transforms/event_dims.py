"""The dim, counted from the right, along which a map acts."""

from __future__ import annotations

from virgil.errors import ArgumentError, shown

__all__ = ["checked_dim"]


def checked_dim(transform: object, dim: int) -> int:
    """The dim itself.

    Raises:
        ArgumentError: it is no negative integer; a map must not depend on how many batch dims a value has.
    """
    if not isinstance(dim, int) or dim >= 0:
        raise ArgumentError(
            f"{type(transform).__name__} got dim={shown(dim)}; it takes a negative integer, counted from the right."
        )
    return dim

"""One plate for each dim of a shape."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from virgil.poutine.plate import plate

__all__ = ["iter_plates_to_shape"]


def iter_plates_to_shape(shape: Sequence[int]) -> Iterator[plate]:
    """Plates ``plate_0``, ``plate_1`` ... for the dims of a shape from right to left, each made when asked for."""
    for position, size in enumerate(reversed(shape)):
        yield plate(f"plate_{position}", size)

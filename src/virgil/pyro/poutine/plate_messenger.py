"""``PlateMessenger``, and ``block_plate``, which leaves one plate around a statement out."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from virgil.errors import ArgumentError, PlateError, shown
from virgil.poutine.frame import Frame
from virgil.poutine.plate import PlateContext, active_frames, plate
from virgil.poutine.runtime import installed
from virgil.pyro.poutine.installed_list import hidden
from virgil.pyro.poutine.subsample_messenger import SubsampleMessenger

__all__ = ["PlateMessenger", "block_plate"]


class PlateMessenger(SubsampleMessenger):
    """A plate as a hook; entering it gives its indices, as entering :class:`virgil.plate` does."""

    stands_for = (PlateContext, plate)

    def __enter__(self) -> Any:
        super().__enter__()
        return self.indices if self._vectorized else self


@contextmanager
def block_plate(name: str | None = None, dim: int | None = None, *, strict: bool = True) -> Iterator[None]:
    """Let statements in a ``with`` block stand outside of one plate around it.

    Args:
        name: the plate's name.
        dim: its dim, in the place of the name.
        strict: whether it is an error that there is no such plate.

    Raises:
        ArgumentError: both or none of name and dim are given, or the dim is not negative.
        PlateError: there is no such plate.
    """
    if (name is None) == (dim is None):
        raise ArgumentError(f"block_plate() got name={shown(name)} and dim={shown(dim)}; it takes exactly one of them.")
    if dim is not None and dim >= 0:
        raise ArgumentError(f"block_plate() got dim={dim}; a plate's dim counts from the right and is negative.")

    def matches(frame: Frame) -> bool:
        return frame.name == name if dim is None else frame.dim == dim

    contexts = [each for each in installed() if isinstance(each, PlateContext) and matches(each.frame)]
    if strict and not contexts:
        around = ", ".join(repr(frame.name) for frame in active_frames()) or "none"
        raise PlateError(
            f"block_plate() found no plate with {f'dim {dim}' if name is None else f'name {name!r}'}; around it are: "
            f"{around}. Leave block_plate out, or write strict=False."
        )
    own = [each.plate if isinstance(each.plate, plate) else each for each in contexts]
    with hidden(lambda messenger: any(messenger is each for each in own)):
        yield

"""The handlers of plates that have been entered: they add the plate's frame to what is stated inside."""

from __future__ import annotations

from collections.abc import Callable

from torch import Tensor

from virgil.errors import PlateError
from virgil.poutine.frame import Frame
from virgil.poutine.runtime import Handler, installed
from virgil.poutine.site import OUTSIDE, Site

__all__ = ["PlateContext", "SizelessContext", "active_frames", "entered_indices", "known_indices"]


def known_indices(name: str, indices: Tensor | None) -> Tensor:
    """The indices of a plate.

    Raises:
        PlateError: it was given a mini-batch itself, so that nobody knows which slots these are.
    """
    if indices is None or indices.is_floating_point():
        raise PlateError(
            f"Plate {name!r} was made with a subsample that is no tensor of indices, so that data or parameters of the "
            "whole plate cannot be cut to its mini-batch. Give subsample= the indices."
        )
    return indices


class PlateContext(Handler):
    """Adds the frame of a plate that has been entered to every site, and cuts data for ``subsample``."""

    surrounds = "frames"

    def __init__(self, frame: Frame, indices: Tensor | None = None, plate: object = None) -> None:
        self.frame = frame
        self.indices = indices
        self.plate = plate

    def before(self, site: Site) -> Site:
        """Add the frame."""
        if site.kind == "subsample":
            site = self._cut(site)
        if site.extra and self.frame.name in site.extra.get(OUTSIDE, ()):
            return site
        return site.replace(frames=(self.frame, *site.frames))

    def _cut(self, site: Site) -> Site:
        frame, data, event_dim = self.frame, site.value, site.args[0]
        if frame.dim is None or frame.size == frame.full_size:
            return site
        dim = frame.dim - event_dim
        if data.dim() < -dim or data.shape[dim] in (1, frame.size):
            return site  # the same for every slot, or cut already
        if data.shape[dim] != frame.full_size:
            raise PlateError(
                f"subsample() in plate {frame.name!r} got data of shape {tuple(data.shape)}, whose size at dim {dim} "
                f"is {data.shape[dim]}; it must be the plate's full size {frame.full_size}, or 1. Transpose the data "
                "or give event_dim."
            )
        return site.with_value(data.index_select(dim, known_indices(frame.name, self.indices)))


class SizelessContext(PlateContext):
    """The context of a plate without a size. The first sample statement inside that has the plate's dim gives it one.

    Args:
        frame: of one slot, for statements that are no sample statements and come before.
        plate: the plate.
        take: gives the plate its size.
    """

    def __init__(self, frame: Frame, plate: object, take: Callable[[int], None]) -> None:
        super().__init__(frame, plate=plate)
        self.take = take
        self.is_open = True

    def before(self, site: Site) -> Site:
        """Add the frame, of the size that the site shows."""
        if self.is_open and site.kind == "sample":
            size = self._size_of(site)
            self.frame, self.is_open = Frame(self.frame.name, self.frame.dim, size), False
            self.take(size)
        return super().before(site)

    def _size_of(self, site: Site) -> int:
        dim = self.frame.dim or -1
        shapes: list[tuple[int, ...]] = [tuple(site.fn.batch_shape)]
        if isinstance(site.value, Tensor):
            shapes.append(site.value.shape[: site.value.dim() - len(site.fn.event_shape)])
        sizes = [shape[dim] for shape in shapes if len(shape) >= -dim]
        if not sizes:
            raise PlateError(
                f"Plate {self.frame.name!r} was made without a size, and its first site {site.name!r} has no batch dim "
                f"{dim} to take it from: its batch shape is {tuple(site.fn.batch_shape)}. Write "
                f"plate({self.frame.name!r}, size)."
            )
        return max(sizes)


def active_frames() -> list[Frame]:
    """The frames of all plates entered in this thread, outermost first."""
    return [handler.frame for handler in installed() if isinstance(handler, PlateContext)]


def entered_indices() -> list[tuple[Frame, Tensor]]:
    """The frames of plates that take a mini-batch, with their indices, outermost first."""
    contexts = (each for each in installed() if isinstance(each, PlateContext))
    pairs = ((each.frame, each.indices) for each in contexts if each.frame.dim is not None)
    return [(frame, at) for frame, at in pairs if at is not None and frame.size != frame.full_size]

"""Broadcasting of shapes."""

from __future__ import annotations

from collections.abc import Sequence

import torch

__all__ = ["broadcast_shapes"]


def broadcast_shapes(*shapes: Sequence[int]) -> torch.Size:
    """The shape that tensors of these shapes broadcast to.

    Torch's own function is much slower. Its first call also loads torch's symbolic shapes, which takes a fifth of a
    second.

    >>> broadcast_shapes((3, 1), (4,), ())
    torch.Size([3, 4])

    Raises:
        RuntimeError: they do not broadcast.
    """
    common = [1] * max(map(len, shapes), default=0)
    for shape in shapes:
        for place, size in enumerate(shape, len(common) - len(shape)):
            if size != 1 and common[place] not in (1, size):
                shown = ", ".join(str(tuple(each)) for each in shapes)
                raise RuntimeError(f"Shapes {shown} do not broadcast: sizes {common[place]} and {size} meet.")
            if size != 1:
                common[place] = size
    return torch.Size(common)

"""Broadcasting of shapes."""

from __future__ import annotations

from collections.abc import Sequence

import torch

__all__ = ["broadcast_shapes", "broadcasts_to"]


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


def broadcasts_to(shape: Sequence[int], target: Sequence[int], widening: bool = False) -> bool:
    """True if ``shape`` broadcasts to ``target``, or with it where the target may be widened too.

    >>> broadcasts_to((1, 4), (3, 4)), broadcasts_to((3, 4), (1, 4)), broadcasts_to((3, 4), (1, 4), widening=True)
    (True, False, True)
    """
    if shape == target:
        return True
    if len(shape) > len(target) and not widening:
        return False
    pairs = zip(reversed(shape), reversed(target), strict=False)
    return all(size in (1, other) or (widening and other == 1) for size, other in pairs)

"""The arguments of the shape algebra: numbers of dims, batch shapes and masks, checked."""

from __future__ import annotations

import torch
from torch import Size, Tensor
from torch import distributions as td

from virgil.distributions.core.validation import is_validating
from virgil.errors import ArgumentError, ShapeError, a_kind, shown
from virgil.ops.all_true import all_true
from virgil.ops.broadcast import broadcast_shapes

__all__ = ["as_mask", "check_expansion", "checked_count"]


def checked_count(fn: td.Distribution, count: int | None) -> int:
    """The number of batch dims that become event dims."""
    batch_dim = len(fn.batch_shape)
    if count is None:
        return batch_dim
    if not isinstance(count, int) or isinstance(count, bool):
        raise ArgumentError(
            f"to_event of {type(fn).__name__} got {shown(count)}, {a_kind(type(count))}; it takes a number of dims, "
            "or None for all batch dims."
        )
    if count > batch_dim:
        raise ShapeError(
            f"to_event({count}) of {type(fn).__name__}: its batch_shape is {tuple(fn.batch_shape)}, so at most "
            f"{batch_dim} dims can become event dims. Expand the distribution first, or pass a smaller number."
        )
    return count


def check_expansion(fn: td.Distribution, batch_shape: Size) -> None:
    """Refuse a batch shape to which that of the distribution does not broadcast."""
    try:
        fits = broadcast_shapes(fn.batch_shape, batch_shape) == batch_shape
    except RuntimeError:
        fits = False
    if not fits:
        raise ShapeError(
            f"{type(fn).__name__} of batch_shape {tuple(fn.batch_shape)} cannot be expanded to {tuple(batch_shape)}: "
            "dims may be added on the left, and only dims of size 1 may grow."
        )


def as_mask(base_dist: td.Distribution, mask: Tensor) -> Tensor:
    """The mask as bools over the common batch shape. Shape: ``(*batch,)``."""
    name = type(base_dist).__name__
    if mask.dtype is not torch.bool:
        kept = mask != 0
        if is_validating() and not all_true((mask == 1) | ~kept):
            raise ArgumentError(
                f"The mask of {name} has dtype {mask.dtype} and values other than 0 and 1; a mask only says what "
                "counts. Write mask.bool() if nonzero means keep, or poutine.scale(scale=...) for weights."
            )
        mask = kept
    try:
        shape = broadcast_shapes(base_dist.batch_shape, mask.shape)
    except RuntimeError as error:
        raise ShapeError(
            f"The mask of {name} has shape {tuple(mask.shape)}, which does not broadcast with the distribution's "
            f"batch_shape {tuple(base_dist.batch_shape)}. A mask has no event dims."
        ) from error
    return mask if mask.shape == shape else mask.expand(shape)

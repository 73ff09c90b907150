"""``mask``: leave parts out of the objective."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from virgil.errors import ArgumentError, shown
from virgil.poutine.runtime import Handler, emit
from virgil.poutine.site import Site
from virgil.poutine.wrap import Program, wrapped

__all__ = ["Mask", "get_mask", "mask"]


class Mask(Handler):
    """Sets the log-probability of sample sites inside to zero where ``mask`` is false."""

    def __init__(self, mask: bool | Tensor) -> None:
        if isinstance(mask, Tensor):
            if mask.dtype != torch.bool:
                raise ArgumentError(
                    f"mask() got a tensor of dtype {mask.dtype}; it takes torch.bool. Write mask.bool()."
                )
        elif mask is not True and mask is not False:
            raise ArgumentError(f"mask() got mask={shown(mask)}; it takes True, False or a tensor of dtype torch.bool.")
        self.mask = mask

    def before(self, site: Site) -> Site:
        """Narrow the mask of the site."""
        if site.kind == "sample" or site.kind == "get_mask":
            site = site.masked_by(self.mask)
        return site


def mask(fn: Program | None = None, mask: bool | Tensor | None = None) -> Any:
    """Run a program in which only what ``mask`` selects counts.

    An observation may hold anything where it is masked out, NaN included: neither the value nor the gradient of an
    objective depends on it.

    Args:
        fn: the program; without one, the handler is returned.
        mask: a bool, or a bool tensor that broadcasts over the batch shapes inside.
    """
    if mask is None:
        raise ArgumentError("mask() needs mask=, a bool or a tensor of dtype torch.bool.")
    return wrapped(Mask(mask), fn)


def get_mask() -> bool | Tensor | None:
    """The mask that a sample statement would have here; ``None`` where there is none.

    A program may leave out a costly ``factor`` where nothing counts:

    Example:
        >>> import torch, virgil
        >>> from virgil.poutine import get_mask, mask
        >>> with mask(mask=False):
        ...     if get_mask() is not False:
        ...         virgil.factor("costly", torch.randn(1000, 1000).logdet())
    """
    return emit(Site("get_mask", "get_mask")).mask

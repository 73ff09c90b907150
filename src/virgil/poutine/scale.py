"""``scale``: multiply log-probabilities."""

from __future__ import annotations

from typing import Any

from torch import Tensor

from virgil.errors import ArgumentError, shown
from virgil.ops.all_true import all_true
from virgil.poutine.runtime import Handler
from virgil.poutine.site import Site
from virgil.poutine.wrap import Program, wrapped

__all__ = ["Scale", "scale"]


class Scale(Handler):
    """Multiplies the log-probability of every sample site inside by ``scale``."""

    def __init__(self, scale: float | Tensor) -> None:
        if isinstance(scale, bool) or not isinstance(scale, (int, float, Tensor)):
            raise ArgumentError(f"scale() got scale={shown(scale)}; it takes a positive number or a tensor of them.")
        if isinstance(scale, Tensor):
            is_positive = all_true(scale > 0)
        else:
            is_positive = scale > 0
        if not is_positive:
            raise ArgumentError(
                f"scale() got scale={shown(scale)}, which must be positive. To leave statements out of the "
                f"objective, use mask(mask=False)."
            )
        self.scale = scale

    def before(self, site: Site) -> Site:
        """Multiply the factor of the site."""
        if site.kind == "sample":
            site = site.scaled_by(self.scale)
        return site


def scale(fn: Program | None = None, scale: float | Tensor | None = None) -> Any:
    """Run a program whose log-probabilities count ``scale`` times.

    Args:
        fn: the program; without one, the handler is returned.
        scale: a positive number, or a tensor that broadcasts over the batch shapes inside.
    """
    if scale is None:
        raise ArgumentError("scale() needs scale=, a positive number.")
    return wrapped(Scale(scale), fn)

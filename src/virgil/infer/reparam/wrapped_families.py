"""The family inside of wrappers, and the same wrappers around another one."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from torch import distributions as td

from virgil.distributions.core.shape_algebra import ExpandedDistribution, Independent, MaskedDistribution, expanded

__all__ = ["innermost", "rebuilt"]


def innermost(fn: Any) -> Any:
    """The distribution inside of ``to_event``, ``mask`` and ``ExpandedDistribution``."""
    while isinstance(fn, td.Independent | MaskedDistribution | ExpandedDistribution):
        fn = fn.base_dist
    return fn


def rebuilt(fn: Any, change: Callable[[Any], Any]) -> Any:
    """The distribution that ``change`` makes of the innermost one, with the same event dims, mask and copies."""
    if isinstance(fn, td.Independent):
        return Independent(rebuilt(fn.base_dist, change), fn.reinterpreted_batch_ndims)
    if isinstance(fn, MaskedDistribution):
        return MaskedDistribution(rebuilt(fn.base_dist, change), fn._mask)
    if isinstance(fn, ExpandedDistribution):
        return expanded(rebuilt(fn.base_dist, change), fn.batch_shape)
    return change(fn)

"""Torch's promotion of dtypes: tensors without dims, and Python numbers, take part by category only."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax.numpy as jnp
import torch
from torch._prims_common import ELEMENTWISE_TYPE_PROMOTION_KIND as KIND
from torch._prims_common import elementwise_dtypes

from virgil.engine.xla.arrays import DTYPES, dtype_of

__all__ = ["converted", "promoted"]


def converted(x: Any, dtype: torch.dtype) -> Any:
    """An array or number in another dtype.

    Truth values become floats by way of integers: else XLA makes a choice of a product with them, which is 0 where
    torch has NaN, at ``inf * False`` for instance.
    """
    x, target = jnp.asarray(x), DTYPES[dtype]
    return (x.astype(jnp.int8) if x.dtype == jnp.bool_ else x).astype(target)


def promoted(fn: Callable[..., Any], kind: KIND = KIND.DEFAULT) -> Callable[..., Any]:
    """``fn`` on arrays and numbers in the dtype that torch computes in, its result in the one that torch gives."""

    def apply(*args: Any) -> Any:
        compute, result = elementwise_dtypes(*map(_stand_in, args), type_promotion_kind=kind)
        return converted(fn(*(converted(each, compute) for each in args)), result)

    return apply


def _stand_in(each: Any) -> Any:
    if isinstance(each, (bool, int, float, complex)):
        return each
    return torch.empty(each.shape, dtype=dtype_of(each), device="meta")

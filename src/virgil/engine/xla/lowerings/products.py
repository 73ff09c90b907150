"""Products of matrices and vectors."""

from __future__ import annotations

from typing import Any

import jax.numpy as jnp
import torch

from virgil.engine.xla.registry import lowers

aten = torch.ops.aten

lowers(aten.mm.default, aten.bmm.default)(jnp.matmul)


@lowers(aten.addmm.default, aten.addmv.default)
def _addmm(x: Any, one: Any, other: Any, beta: Any = 1, alpha: Any = 1) -> Any:
    product = jnp.matmul(one, other)
    product = product if alpha == 1 else product * jnp.asarray(alpha, product.dtype)
    if beta == 0:  # torch ignores x then, NaN included
        return product
    return (x if beta == 1 else x * jnp.asarray(beta, x.dtype)) + product

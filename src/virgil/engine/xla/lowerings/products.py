"""Products of matrices and vectors.

XLA computes the product of a large matrix and a vector on one core. Its batched products use all cores, and a batch is
what a tall matrix becomes when its rows are cut into equal parts (`_parts`); the same numbers in another order of sums.
"""

from __future__ import annotations

from typing import Any

import jax.numpy as jnp
import torch

from virgil.engine.xla.registry import lowers

aten = torch.ops.aten

_LARGE = 2**18
"""Entries from which XLA's batched product uses more than one core: 20,000 by 20 does, 5,000 by 50 does not."""

lowers(aten.bmm.default)(jnp.matmul)


@lowers(aten.mm.default)
def _mm(left: Any, right: Any) -> Any:
    if right.shape[1] == 1 and (parts := _parts(left)):
        tall = left.reshape(parts, -1, left.shape[1])
        return jnp.matmul(tall, jnp.broadcast_to(right, (parts, *right.shape))).reshape(-1, 1)
    if left.shape[0] == 1 and (parts := _parts(right)):
        tall = right.reshape(parts, -1, right.shape[1])
        return jnp.matmul(left.reshape(parts, 1, -1), tall).sum(0, dtype=left.dtype)
    return jnp.matmul(left, right)


def _parts(matrix: Any) -> int | None:
    """Into how many equal parts the rows of a large, tall matrix are cut for its product with a vector, if they are."""
    rows, columns = matrix.shape
    if rows < columns or rows * columns < _LARGE:
        return None
    return next((parts for parts in range(10, 1, -1) if rows % parts == 0), None)


@lowers(aten.addmm.default, aten.addmv.default)
def _addmm(x: Any, one: Any, other: Any, beta: Any = 1, alpha: Any = 1) -> Any:
    product = _mm(one, other) if other.ndim == 2 else jnp.matmul(one, other)
    product = product if alpha == 1 else product * jnp.asarray(alpha, product.dtype)
    if beta == 0:  # torch ignores x then, NaN included
        return product
    return (x if beta == 1 else x * jnp.asarray(beta, x.dtype)) + product

"""Products of matrices and vectors.

XLA computes the product of a large matrix and a vector on one core. Its batched products use all cores, and a batch is
what a tall matrix becomes when its rows are cut into equal parts (`_parts`); the same numbers in another order of sums.
A batch of small matrices it multiplies with a call for each, which costs up to twenty times the sum written out.
"""

from __future__ import annotations

import functools
import operator
from typing import Any

import jax
import jax.numpy as jnp
from jax.experimental.xla_metadata import set_xla_metadata

from virgil.engine.operators.aten import aten
from virgil.engine.xla.registry import lowers

_LARGE = 2**18
"""Entries from which XLA's batched product uses more than one core: 20,000 by 20 does, 5,000 by 50 does not."""

_SMALL = 8
"""Rows and columns, up to which the sum written out is the faster one, in both precisions, transposed or not."""


@lowers(aten.bmm.default)
def _bmm(left: Any, right: Any) -> Any:
    inner = left.shape[2]
    if not 1 <= inner <= max(*left.shape[1:], right.shape[2]) <= _SMALL:
        return jnp.matmul(left, right)
    with set_xla_metadata(inlineable="false"):
        return _written_out(left, right)


@jax.jit
def _written_out(left: Any, right: Any) -> Any:
    """The sum, as a function of the program that is called.

    Fused with others, what it reads would be computed anew for each addend, and the sum for each that reads it.
    """
    inner = left.shape[2]
    return functools.reduce(operator.add, (left[:, :, k, None] * right[:, k, None, :] for k in range(inner)))


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
    product = _mm(one, other) if other.ndim == 2 else _mm(one, other[:, None])[:, 0]
    product = product if alpha == 1 else product * jnp.asarray(alpha, product.dtype)
    if beta == 0:  # torch ignores x then, NaN included
        return product
    return (x if beta == 1 else x * jnp.asarray(beta, x.dtype)) + product

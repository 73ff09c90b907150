"""Linear algebra: factorisations, triangular systems, and what is made of them.

A factorisation that fails gives NaN and a positive ``info``; nothing is raised inside a compiled step.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import jax
import jax.numpy as jnp
from jax import Array, lax

from virgil.engine.operators.aten import aten
from virgil.engine.xla.arrays import DTYPES
from virgil.engine.xla.registry import lowers

__all__: list[str] = []


def _adjoint(a: Array) -> Array:
    return jnp.swapaxes(a, -1, -2).conj()


def _diagonal(a: Array) -> Array:
    result: Array = jnp.diagonal(a, axis1=-2, axis2=-1)
    return result


def _empty(like: Array) -> Array:
    return jnp.zeros((0,), like.dtype)


def _batch(*matrices: Array) -> tuple[int, ...]:
    return jnp.broadcast_shapes(*(each.shape[:-2] for each in matrices))


def _broadcast(*matrices: Array) -> list[Array]:
    batch = _batch(*matrices)
    return [jnp.broadcast_to(each, batch + each.shape[-2:]) for each in matrices]


def _solve_triangular(a: Array, b: Array, *, upper: bool, adjoint: bool = False, unit: bool = False) -> Array:
    """The solution of ``a x = b``, or with the adjoint of ``a``; where one ``a`` serves a batch, as more columns."""
    if a.size == 0 or b.size == 0:
        return jnp.zeros(_batch(a, b) + b.shape[-2:], b.dtype)
    if a.size == a.shape[-1] ** 2 and b.ndim > 2:
        columns = jnp.moveaxis(b, -2, 0)
        found = _solve_triangular(
            a.reshape(a.shape[-2:]), columns.reshape(a.shape[-1], -1), upper=upper, adjoint=adjoint, unit=unit
        )
        return jnp.moveaxis(found.reshape(columns.shape), 0, -2).reshape(_batch(a, b) + b.shape[-2:])
    a, b = _broadcast(a, b)
    return lax.linalg.triangular_solve(
        a, b, left_side=True, lower=not upper, transpose_a=adjoint, conjugate_a=adjoint, unit_diagonal=unit
    )


@lowers(aten.cholesky.default)
def _cholesky(a: Array, upper: bool = False) -> Array:
    if upper:
        return _adjoint(_cholesky(_adjoint(a)))
    return lax.linalg.cholesky(a, symmetrize_input=False)


@lowers(aten.linalg_cholesky_ex.default)
def _cholesky_ex(a: Array, *, upper: bool = False, check_errors: bool = False) -> tuple[Array, Array]:
    factor = _cholesky(a, upper)
    return factor, jnp.isnan(_diagonal(factor)).any(-1).astype(jnp.int32)


@lowers(aten.cholesky_solve.default)
def _cholesky_solve(b: Array, factor: Array, upper: bool = False) -> Array:
    half = _solve_triangular(factor, b, upper=upper, adjoint=upper)
    return _solve_triangular(factor, half, upper=upper, adjoint=not upper)


@lowers(aten.cholesky_inverse.default)
def _cholesky_inverse(factor: Array, upper: bool = False) -> Array:
    return _cholesky_solve(jnp.broadcast_to(jnp.eye(factor.shape[-1], dtype=factor.dtype), factor.shape), factor, upper)


@lowers(aten.linalg_solve_triangular.default)
def _linalg_solve_triangular(
    a: Array, b: Array, *, upper: bool, left: bool = True, unitriangular: bool = False
) -> Array:
    if left:
        return _solve_triangular(a, b, upper=upper, unit=unitriangular)
    return _adjoint(_solve_triangular(a, _adjoint(b), upper=upper, adjoint=True, unit=unitriangular))


@lowers(aten.triangular_solve.default)
def _triangular_solve(
    b: Array, a: Array, upper: bool = True, transpose: bool = False, unitriangular: bool = False
) -> tuple[Array, Array]:
    system = a.conj() if transpose else a
    found = _solve_triangular(system, b, upper=upper, adjoint=transpose, unit=unitriangular)
    return found, jnp.broadcast_to(a, _batch(a, b) + a.shape[-2:])


@lowers(aten._linalg_eigh.default)
def _eigh(a: Array, uplo: str = "L", compute_v: bool = True) -> tuple[Array, Array]:
    vectors, values = lax.linalg.eigh(a, lower=uplo.upper() == "L", symmetrize_input=False)
    return values, vectors if compute_v else _empty(vectors)


@lowers(aten.linalg_qr.default)
def _qr(a: Array, mode: str = "reduced") -> tuple[Array, Array]:
    q, r = lax.linalg.qr(a, full_matrices=mode == "complete")
    return _empty(q) if mode == "r" else q, r


@lowers(aten.linalg_householder_product.default)
def _householder_product(a: Array, taus: Array) -> Array:
    return lax.linalg.householder_product(a, taus)


@lowers(aten._linalg_svd.default)
def _svd(
    a: Array, full_matrices: bool = False, compute_uv: bool = True, *, driver: str | None = None
) -> tuple[Array, Array, Array]:
    if not compute_uv:
        values = lax.linalg.svd(a, compute_uv=False)
        return _empty(a), values, _empty(a)
    left, values, right = lax.linalg.svd(a, full_matrices=full_matrices)
    return left, values, right


@lowers(aten.linalg_pinv.atol_rtol_tensor)
def _pinv(a: Array, *, atol: Any = None, rtol: Any = None, hermitian: bool = False) -> Array:
    default = max(a.shape[-2:]) * jnp.finfo(a.dtype).eps
    least = jnp.zeros((), jnp.float64) if atol is None else jnp.asarray(atol)
    ratio = jnp.where(least > 0, 0.0, default) if rtol is None else jnp.asarray(rtol)
    if hermitian:
        left, values = lax.linalg.eigh(a, symmetrize_input=False)
        right = _adjoint(left)
    else:
        left, values, right = lax.linalg.svd(a, full_matrices=False)
    sizes = jnp.abs(values)
    kept = sizes > jnp.maximum(least[..., None], ratio[..., None] * sizes.max(-1, keepdims=True, initial=0.0))
    inverse = jnp.where(kept, 1 / jnp.where(kept, values, 1), 0).astype(a.dtype)
    return jnp.matmul(_adjoint(right) * inverse[..., None, :], _adjoint(left), precision="highest")


@lowers(aten.linalg_lu_factor_ex.default)
def _lu_factor_ex(a: Array, *, pivot: bool = True, check_errors: bool = False) -> tuple[Array, Array, Array]:
    lu, pivots, _ = lax.linalg.lu(a)
    zero = _diagonal(lu) == 0
    place = jnp.where(zero.any(-1), jnp.argmax(zero, -1) + 1, 0) if zero.shape[-1] else jnp.zeros(zero.shape[:-1])
    return lu, pivots + 1, place.astype(jnp.int32)


def _unpacked(lu: Array) -> tuple[Array, Array]:
    rows, columns = lu.shape[-2:]
    rank = min(rows, columns)
    lower = jnp.tril(lu[..., :, :rank], -1) + jnp.eye(rows, rank, dtype=lu.dtype)
    return lower, jnp.triu(lu[..., :rank, :])


def _permutation(pivots: Array, rows: int) -> Array:
    return lax.linalg.lu_pivots_to_permutation(pivots - 1, rows)


@lowers(aten.lu_unpack.default)
def _lu_unpack(
    lu: Array, pivots: Array, unpack_data: bool = True, unpack_pivots: bool = True
) -> tuple[Array, Array, Array]:
    rows = lu.shape[-2]
    order = jnp.swapaxes(jax.nn.one_hot(_permutation(pivots, rows), rows, dtype=lu.dtype), -1, -2)
    lower, upper = _unpacked(lu)
    return (
        order if unpack_pivots else _empty(lu),
        lower if unpack_data else _empty(lu),
        upper if unpack_data else _empty(lu),
    )


@lowers(aten.linalg_lu.default)
def _lu(a: Array, *, pivot: bool = True) -> tuple[Array, Array, Array]:
    lu, pivots, _ = _lu_factor_ex(a)
    return _lu_unpack(lu, pivots)


@lowers(aten.linalg_lu_solve.default)
def _lu_solve(lu: Array, pivots: Array, b: Array, *, left: bool = True, adjoint: bool = False) -> Array:
    if not left:
        return _adjoint(_lu_solve(lu, pivots, _adjoint(b), adjoint=not adjoint))
    batch = _batch(lu, b)
    order = _permutation(pivots, lu.shape[-1])
    if adjoint:
        half = _solve_triangular(lu, b, upper=True, adjoint=True)
        order, b = jnp.argsort(order, -1), _solve_triangular(lu, half, upper=False, adjoint=True, unit=True)
    order = jnp.broadcast_to(order, batch + order.shape[-1:])
    b = jnp.take_along_axis(jnp.broadcast_to(b, batch + b.shape[-2:]), order[..., None], -2)
    return b if adjoint else _solve_triangular(lu, _solve_triangular(lu, b, upper=False, unit=True), upper=True)


@lowers(aten.linalg_inv_ex.default)
def _inv_ex(a: Array, *, check_errors: bool = False) -> tuple[Array, Array]:
    lu, pivots, info = _lu_factor_ex(a)
    return _lu_solve(lu, pivots, jnp.eye(a.shape[-1], dtype=a.dtype)), info


@lowers(aten._linalg_solve_ex.default)
def _solve_ex(
    a: Array, b: Array, *, left: bool = True, check_errors: bool = False
) -> tuple[Array, Array, Array, Array]:
    lu, pivots, info = _lu_factor_ex(a)
    if b.ndim == 1 or b.shape == a.shape[:-1]:
        return _lu_solve(lu, pivots, b[..., None], left=left)[..., 0], lu, pivots, info
    return _lu_solve(lu, pivots, b, left=left), lu, pivots, info


@lowers(aten._linalg_check_errors.default)
def _check_errors(info: Array, name: str, *, is_matrix: bool) -> None:
    """Nothing: what failed is NaN."""


@lowers(aten.linalg_matrix_exp.default)
def _matrix_exp(a: Array) -> Array:
    return jax.scipy.linalg.expm(a) if a.size else a


@lowers(aten.linalg_vector_norm.default)
def _vector_norm(
    x: Array, order: float = 2, dim: Sequence[int] | None = None, keepdim: bool = False, *, dtype: Any = None
) -> Array:
    axes = tuple(dim) if dim else tuple(range(x.ndim))
    sizes = jnp.abs(x if dtype is None else x.astype(DTYPES[dtype]))
    if x.ndim == 0:
        return sizes if order else (sizes != 0).astype(sizes.dtype)
    if order == 0:
        return (sizes != 0).astype(sizes.dtype).sum(axes, keepdims=keepdim)
    if order == float("inf"):
        return sizes.max(axes, keepdims=keepdim, initial=0.0)
    if order == float("-inf"):
        return sizes.min(axes, keepdims=keepdim)
    if order == 1:
        return sizes.sum(axes, keepdims=keepdim)
    if order == 2:
        return jnp.sqrt((sizes * sizes).sum(axes, keepdims=keepdim))
    return (sizes**order).sum(axes, keepdims=keepdim) ** (1 / order)

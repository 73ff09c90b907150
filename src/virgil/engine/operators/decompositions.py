"""Operators that must be taken apart, because a graph that holds them does not say all that they do.

``native_batch_norm`` changes its running statistics without declaring it, so a functional graph would lose the change.
A determinant hands an LU factorisation to its derivative that is of the matrix or of its transpose, according to how
the matrix lies in memory, which a graph does not know. ``as_strided`` reads memory itself: it is made to read a tensor
that lies there in the order of its own axes. ``bernoulli`` is compared with noise of its own dtype, as torch draws it;
torch takes it apart into noise in single precision. ``eye`` is compared row with column: torch counts them in the
smallest unsigned integers, of which there are no ranges.

A norm stays whole: torch 2.14 takes it apart, and loads its symbolic shapes for that, which takes as long as
``import torch``.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor

from virgil.engine.operators.aten import aten, present
from virgil.ops.foreach import each

__all__ = ["FUNCTIONAL", "RECORDED", "WHOLE"]


def _native_batch_norm(
    x: Tensor,
    weight: Tensor | None,
    bias: Tensor | None,
    running_mean: Tensor | None,
    running_var: Tensor | None,
    training: bool,
    momentum: float,
    eps: float,
) -> Any:
    if running_mean is None or running_var is None:
        return aten._native_batch_norm_legit.no_stats(x, weight, bias, training, momentum, eps)
    if training:
        return aten._native_batch_norm_legit(x, weight, bias, running_mean, running_var, True, momentum, eps)
    return aten._native_batch_norm_legit_no_training(x, weight, bias, running_mean, running_var, momentum, eps)


def _factorised(a: Tensor) -> tuple[Tensor, Tensor]:
    """LU and pivots of the matrix, or of its transpose where torch's derivative expects that."""
    lu, pivots, _ = aten.linalg_lu_factor_ex(a.mT if a.is_contiguous() and not a.is_complex() else a)
    return lu, pivots


def _parity(pivots: Tensor) -> Tensor:
    """The sign of the permutation: each pivot that is not its own row's is one exchange."""
    moved = pivots != torch.arange(1, pivots.shape[-1] + 1, device=pivots.device, dtype=pivots.dtype)
    return 1 - 2 * (moved.sum(-1) % 2)


def _det(a: Tensor) -> tuple[Tensor, ...]:
    lu, pivots = _factorised(a)
    return lu.diagonal(dim1=-2, dim2=-1).prod(-1) * _parity(pivots), lu, pivots


def _slogdet(a: Tensor) -> tuple[Tensor, ...]:
    lu, pivots = _factorised(a)
    diagonal = lu.diagonal(dim1=-2, dim2=-1)
    return diagonal.sgn().prod(-1) * _parity(pivots), diagonal.abs().log().sum(-1), lu, pivots


def _lies_plainly(x: Tensor) -> bool:
    return x.is_contiguous() and x.storage_offset() == 0


def _by_memory(x: Tensor) -> list[int]:
    strides = x.stride()
    return sorted(range(x.ndim), key=lambda axis: (-strides[axis], axis))


def _as_strided(x: Tensor, size: Sequence[int], stride: Sequence[int], offset: int | None = None) -> Any:
    if _lies_plainly(x):
        return NotImplemented
    first = 0 if offset is None else offset - x.storage_offset()
    return aten.as_strided(x.permute(_by_memory(x)).clone(memory_format=torch.contiguous_format), size, stride, first)


def _as_strided_scatter(
    x: Tensor, source: Tensor, size: Sequence[int], stride: Sequence[int], offset: int | None = None
) -> Any:
    if _lies_plainly(x):
        return NotImplemented
    first = 0 if offset is None else offset - x.storage_offset()
    order = _by_memory(x)
    plain = x.permute(order).clone(memory_format=torch.contiguous_format)
    return aten.as_strided_scatter(plain, source, size, stride, first).permute(
        [order.index(axis) for axis in range(x.ndim)]
    )


def _bernoulli(probs: Tensor, generator: torch.Generator | None = None) -> Tensor:
    return (torch.rand_like(probs) < probs).to(probs.dtype)


def _eye(rows: int, columns: int | None = None, *, dtype: Any = None, device: Any = None, **_: Any) -> Tensor:
    row = torch.arange(rows, device=device).unsqueeze(-1)
    column = torch.arange(rows if columns is None else columns, device=device)
    return (row == column).to(dtype or torch.get_default_dtype())


def _mv(matrix: Tensor, vector: Tensor) -> Tensor:
    """As a product of matrices, of which the large one is not transposed: torch would multiply and then sum."""
    if matrix.stride(0) < matrix.stride(1):
        return torch.mm(vector.unsqueeze(0), matrix.t()).squeeze(0)
    return torch.mm(matrix, vector.unsqueeze(1)).squeeze(1)


def _addcmul(x: Tensor, one: Tensor, other: Tensor, value: float = 1) -> Tensor:
    return torch.addcmul(x, one, other, value=value)


def _addcdiv(x: Tensor, one: Tensor, other: Tensor, value: float = 1) -> Tensor:
    return torch.addcdiv(x, one, other, value=value)


_LISTED = (
    "abs", "add", "clamp_max", "clamp_min", "div", "lerp", "maximum", "minimum", "mul", "neg",
    "pow", "reciprocal", "sign", "sqrt", "sub",
)  # fmt: skip
_BY_SCALAR = {"norm": torch.linalg.vector_norm, "addcmul": _addcmul, "addcdiv": _addcdiv}


def _foreach(suffix: str = "") -> dict[Any, Callable[..., Any]]:
    """Of every operator on lists that optimisers use, the one on each tensor; with suffix ``"_"`` of those that write.

    Those that write are given as the function of what they write.
    """
    table: dict[Any, Callable[..., Any]] = {
        getattr(aten, f"_foreach_{name}{suffix}").Scalar: each(fn) for name, fn in _BY_SCALAR.items()
    }
    for name in _LISTED:
        single, overloads = each(getattr(torch, name)), getattr(aten, f"_foreach_{name}{suffix}").overloads()
        table.update({operator: single for overload, operator in overloads.items() if "out" not in overload})
    return present(table)


def _write(fn: Callable[..., list[Tensor]], tensors: Sequence[Tensor], *args: Any, **kwargs: Any) -> None:
    for tensor, value in zip(tensors, fn(tensors, *args, **kwargs), strict=True):
        tensor.copy_(value)


_RECORDED: dict[Any, Callable[..., Any]] = {
    aten.native_batch_norm.default: _native_batch_norm,
    aten._linalg_det.default: _det,
    aten._linalg_slogdet.default: _slogdet,
}
_FUNCTIONAL: dict[Any, Callable[..., Any]] = {
    aten.as_strided.default: _as_strided,
    aten.as_strided_scatter.default: _as_strided_scatter,
    aten.bernoulli.default: _bernoulli,
    aten.eye.default: _eye,
    aten.eye.m: _eye,
    aten.mv.default: _mv,
}
RECORDED: dict[Any, Callable[..., Any]] = {
    **present(_RECORDED),
    **{operator: functools.partial(_write, fn) for operator, fn in _foreach("_").items()},
}
WHOLE = frozenset({aten.linalg_vector_norm.default})
FUNCTIONAL = {**present(_FUNCTIONAL), **_foreach()}

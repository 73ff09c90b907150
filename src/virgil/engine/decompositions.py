"""Operators that must be taken apart, because a graph that holds them does not say all that they do.

``native_batch_norm`` changes its running statistics without declaring it, so a functional graph would lose the change.
A determinant hands an LU factorisation to its derivative that is of the matrix or of its transpose, according to how
the matrix lies in memory, which a graph does not know. ``as_strided`` reads memory itself: it is made to read a tensor
that lies there in the order of its own axes. ``bernoulli`` is compared with noise of its own dtype, as torch draws it;
torch takes it apart into noise in single precision. ``eye`` is compared row with column: torch counts them in the
smallest unsigned integers, of which there are no ranges.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor

__all__ = ["FUNCTIONAL", "RECORDED"]

aten = torch.ops.aten
_LISTED = (
    "abs", "add", "clamp_max", "clamp_min", "div", "lerp", "maximum", "minimum", "mul", "neg",
    "pow", "reciprocal", "sign", "sqrt", "sub",
)  # fmt: skip


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


def _each(fn: Callable[..., Any]) -> Callable[..., Any]:
    """An operator on lists of tensors as one on each: arguments that are lists go along, others are shared."""

    def apply(tensors: Sequence[Tensor], *args: Any, **kwargs: Any) -> list[Any]:
        rows = [arg if isinstance(arg, (list, tuple)) else [arg] * len(tensors) for arg in args]
        return [fn(*row, **kwargs) for row in zip(tensors, *rows, strict=True)]

    return apply


def _foreach() -> dict[Any, Callable[..., Any]]:
    """Of every operator on lists that optimisers use, but for norms the one on tensors of the same name."""
    table: dict[Any, Callable[..., Any]] = {
        aten._foreach_norm.Scalar: _each(torch.linalg.vector_norm),
        aten._foreach_addcmul.Scalar: _each(lambda x, one, other, value=1: torch.addcmul(x, one, other, value=value)),
        aten._foreach_addcdiv.Scalar: _each(lambda x, one, other, value=1: torch.addcdiv(x, one, other, value=value)),
    }
    for name in _LISTED:
        packet, single = getattr(aten, f"_foreach_{name}"), _each(getattr(torch, name))
        table.update({getattr(packet, each): single for each in packet.overloads() if "out" not in each})
    return table


def _foreach_in_place() -> dict[Any, Callable[..., Any]]:
    """Of every such operator that writes, the writes into each tensor."""
    table: dict[Any, Callable[..., Any]] = {}
    for pure, each in _foreach().items():
        written = getattr(getattr(aten, f"{pure.overloadpacket.__name__}_", None), pure._overloadname, None)
        if written is not None:
            table[written] = functools.partial(_write, each)
    return table


def _write(fn: Callable[..., list[Tensor]], tensors: Sequence[Tensor], *args: Any, **kwargs: Any) -> None:
    for tensor, value in zip(tensors, fn(tensors, *args, **kwargs), strict=True):
        tensor.copy_(value)


RECORDED: dict[Any, Callable[..., Any]] = {
    aten.native_batch_norm.default: _native_batch_norm,
    aten._linalg_det.default: _det,
    aten._linalg_slogdet.default: _slogdet,
    **_foreach_in_place(),
}
FUNCTIONAL: dict[Any, Callable[..., Any]] = {
    aten.as_strided.default: _as_strided,
    aten.as_strided_scatter.default: _as_strided_scatter,
    aten.bernoulli.default: _bernoulli,
    aten.eye.default: _eye,
    aten.eye.m: _eye,
    aten.mv.default: _mv,
    **_foreach(),
}

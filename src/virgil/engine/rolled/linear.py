"""Operations that may change places with a sum, so that a sum over rounds is computed once, not in each round."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch.fx import Node

from virgil.engine.operators.aten import aten
from virgil.engine.rolled.operations import Operation

__all__ = ["is_linear"]


_IN_FIRST = frozenset(
    {
        *(aten.neg.default, aten.view.default, aten.permute.default, aten.expand.default, aten.flip.default),
        *(aten.unsqueeze.default, aten.squeeze.dim, aten.squeeze.dims, aten.select.int, aten.slice.Tensor),
        *(aten.sum.dim_IntList, aten.cumsum.default, aten.gather.default, aten.index.Tensor),
        *(aten.mul.Scalar, aten.div.Tensor),
    }
)
_IN_LAST = frozenset({aten.scatter_add.default, aten.index_put.default, aten.slice_scatter.default})
"""Where the first argument is zero."""
_IN_EITHER = frozenset({aten.mul.Tensor, aten.mm.default, aten.bmm.default})
_IN_BOTH = frozenset({aten.add.Tensor, aten.sub.Tensor})
_ZEROS: dict[Any, int] = {aten.scalar_tensor.default: 0, aten.full.default: 1, aten.full_like.default: 1}
_FLOATS = frozenset({torch.float32, torch.float64})


def is_linear(rows: Sequence[Operation], row: Operation, moves: Sequence[bool]) -> bool:
    """True if an operation is a linear function of those that it reads and that move, the others being fixed.

    Args:
        rows: the operations of the graph.
        row: one of them.
        moves: for each that it reads, whether it moves.
    """
    node = row.node
    moving = [rows[number] for number, each in zip(row.reads, moves, strict=True) if each]
    dtypes = {_dtype(each.node) for each in [row, *moving]}
    if not moving or len(dtypes) > 1 or not dtypes <= _FLOATS:
        return False
    if node.target in _IN_FIRST:
        return isinstance(node.args[0], Node) and moves[0] and not any(moves[1:])
    if node.target in _IN_LAST:
        accumulates = node.target is not aten.index_put.default or node.args[3:] == (True,)
        return accumulates and moves[-1] and not any(moves[:-1]) and _is_zero(rows, row.reads[0])
    if node.target in _IN_EITHER:
        return len(moving) == 1
    if node.target in _IN_BOTH:
        return len(moving) == 2
    if node.target is aten.where.self:
        branches = zip(row.reads[1:], moves[1:], strict=True)
        return not moves[0] and all(each or _is_zero(rows, number) for number, each in branches)
    return False


def _dtype(node: Node) -> Any:
    return getattr(node.meta.get("val"), "dtype", None)


def _is_zero(rows: Sequence[Operation], number: int) -> bool:
    """True if an operation is known to give zeros."""
    node = rows[number].node
    if node.target in (aten.expand.default, aten.view.default):
        return _is_zero(rows, rows[number].reads[0])
    place = _ZEROS.get(node.target)
    return place is not None and bool(node.args[place] == 0)

"""``Vindex``: indexing by several tensors at once, under batch dims on the left."""

from __future__ import annotations

from types import EllipsisType
from typing import Any, TypeAlias

import torch
from torch import Tensor

from virgil.errors import ArgumentError, a_kind, shown
from virgil.ops.broadcast import broadcast_shapes

__all__ = ["Vindex", "vindex"]

Index: TypeAlias = "EllipsisType | slice | int | Tensor"

_INTEGERS = (torch.int64, torch.int32, torch.int16, torch.int8, torch.uint8)


def vindex(tensor: Tensor, args: Any) -> Tensor:
    """Look entries of a tensor up, one for each slot of a batch.

    A program that says ``x[i, :, j]`` of whole numbers goes on meaning the same when ``i`` and ``j`` become tensors, as
    they do inside a plate or when a variable is enumerated: there is one look-up for each slot, and ``i``, ``j`` and
    the batch dims of ``x``, for which an ellipsis stands, broadcast against each other. For ``x`` of shape
    ``(*batch, I, K, J)``::

        vindex(x, (..., i, slice(None), j))[b, k] = x[b, i[b], k, j[b]]

    where ``b`` runs over the shape to which ``batch``, ``i.shape`` and ``j.shape`` broadcast, and each of the three
    reads of ``b`` what broadcasting leaves it. torch's own ``x[..., i, :, j]`` instead crosses ``i`` with the batch of
    ``x``, and puts the dims of ``i`` and ``j`` where slices happen to let it.

    Args:
        tensor: what is read.
        args: an index, or a tuple of them, of which each takes one dim: a whole number, a tensor of whole numbers
            (without event dims), or a slice, which keeps its dim. An ellipsis may come first; without one, there are
            no batch dims, and dims on the right that have no index are kept.

    Returns:
        Shape: ``(*broadcast(batch, *indices), *sliced)``.

    Raises:
        ArgumentError: an index of another kind, more indices than dims, or shapes that do not broadcast.

    Example:
        The probability of heads depends on the coin, of three, and on who throws it, of two.

        >>> import torch
        >>> from virgil.ops.indexing import Vindex
        >>> heads = torch.tensor([[0.1, 0.2], [0.3, 0.4], [0.5, 0.6]])
        >>> coin = torch.tensor([[0], [1], [2]])  # enumerated
        >>> person = torch.tensor([0, 0, 1, 1])  # in a plate
        >>> Vindex(heads)[coin, person]
        tensor([[0.1000, 0.1000, 0.2000, 0.2000],
                [0.3000, 0.3000, 0.4000, 0.4000],
                [0.5000, 0.5000, 0.6000, 0.6000]])
    """
    if not isinstance(tensor, Tensor):
        raise ArgumentError(f"Vindex got {shown(tensor)}, {a_kind(type(tensor))}; it takes a tensor.")
    indices, batch_dim = _by_dim(tensor, args if isinstance(args, tuple) else (args,))
    tensor, rest = _without_numbers(tensor, indices)
    found = [index for index in rest if isinstance(index, Tensor)]
    if not found:
        return tensor
    looked_up = [batch_dim + place for place, index in enumerate(rest) if isinstance(index, Tensor)]
    kept = [batch_dim + place for place, index in enumerate(rest) if isinstance(index, slice)]
    if kept and kept[0] < looked_up[-1]:
        tensor = tensor.permute(*range(batch_dim), *looked_up, *kept)
    try:
        return tensor[(*_positions(tensor.shape[:batch_dim], found[0].device), *found)]
    except IndexError:
        _must_broadcast(tensor.shape[:batch_dim], found)
        raise


def _by_dim(tensor: Tensor, args: tuple[Any, ...]) -> tuple[list[slice | int | Tensor], int]:
    """An index for each dim that is no batch dim, and the number of batch dims."""
    batched = bool(args) and args[0] is Ellipsis
    given = args[1:] if batched else args
    indices = [_checked(index) for index in given]
    batch_dim = tensor.dim() - len(indices)
    if batch_dim < 0:
        raise ArgumentError(
            f"Vindex got {len(indices)} indices for a tensor of {tensor.dim()} dims, shape {tuple(tensor.shape)}. "
            "Give one a dim at most."
        )
    return (indices, batch_dim) if batched else (indices + [slice(None)] * batch_dim, 0)


def _checked(index: Any) -> slice | int | Tensor:
    """The index, if it is of a known kind. A tensor becomes int64, for which every device has a look-up."""
    if isinstance(index, Tensor):
        if index.dtype in _INTEGERS:
            return index.long()
        advice = "A mask has no shape of its own: use torch.where." if index.dtype == torch.bool else "Write .long()."
        raise ArgumentError(f"Vindex got an index tensor of dtype {index.dtype}; it takes whole numbers. {advice}")
    if isinstance(index, slice) or (isinstance(index, int) and not isinstance(index, bool)):
        return index
    if index is Ellipsis:
        raise ArgumentError(
            "Vindex got an ellipsis that is not its first index. Batch dims are on the left: put it there."
        )
    raise ArgumentError(
        f"Vindex got {shown(index)} as an index, {a_kind(type(index))}; it takes whole numbers, tensors of "
        "them, slices, and first an ellipsis."
    )


def _without_numbers(tensor: Tensor, indices: list[slice | int | Tensor]) -> tuple[Tensor, list[slice | Tensor]]:
    """Apply whole numbers and slices, which need no broadcasting; return the tensor and the other indices."""
    basic = [slice(None) if isinstance(index, Tensor) else index for index in indices]
    if any(index != slice(None) for index in basic):
        tensor = tensor[(..., *basic)]
    return tensor, [index for index in indices if not isinstance(index, int)]


def _positions(batch_shape: torch.Size, device: torch.device) -> list[Tensor]:
    """The positions along each batch dim, shaped so that together they broadcast to the batch."""
    rank = len(batch_shape)
    return [
        torch.arange(size, device=device).reshape((size,) + (1,) * (rank - 1 - dim))
        for dim, size in enumerate(batch_shape)
    ]


def _must_broadcast(batch_shape: torch.Size, found: list[Tensor]) -> None:
    shapes = [index.shape for index in found]
    try:
        broadcast_shapes(batch_shape, *shapes)
    except RuntimeError:
        raise ArgumentError(
            f"Vindex got index tensors of shapes {', '.join(str(tuple(shape)) for shape in shapes)} for a tensor of "
            f"batch shape {tuple(batch_shape)}; these do not broadcast. Batch dims line up from the right."
        ) from None


class Vindex:
    """``Vindex(x)[..., i, :, j]``: :func:`vindex`, written as indexing."""

    def __init__(self, tensor: Tensor) -> None:
        self._tensor = tensor

    def __getitem__(self, args: Any) -> Tensor:
        return vindex(self._tensor, args)

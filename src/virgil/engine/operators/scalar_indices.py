"""Indexing by a tensor of one whole number, which torch reads as a Python value, as a look-up."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import torch
from torch import Tensor

__all__ = ["as_look_ups"]

_MASKS = (torch.bool, torch.uint8)


def as_look_ups(tensor: Tensor, index: Any, varies: Callable[[Tensor], bool]) -> tuple[Tensor, Any]:
    """A tensor and an index of the same entries, in which no tensor of one number that varies is left.

    The entry is looked up along its dim, which then has size one, and 0 stands for it in the index.

    Args:
        tensor: what ``tensor[index]`` reads.
        index: an index, or a tuple of them.
        varies: tells of a tensor whether its values are not those of the next run.
    """
    indices = list(index) if isinstance(index, tuple) else [index]
    found = [
        place for place, each in enumerate(indices) if isinstance(each, Tensor) and _is_number(each) and varies(each)
    ]
    if not found:
        return tensor, index
    dims = list(_dims(tensor, indices))
    for place in found:
        number, dim = indices[place].long(), dims[place]
        number = torch.where(number < 0, number + tensor.shape[dim], number)
        tensor, indices[place] = tensor.index_select(dim, number.reshape(1)), 0
    return tensor, tuple(indices)


def _is_number(index: Tensor) -> bool:
    return index.dim() == 0 and index.dtype not in _MASKS and not (index.is_floating_point() or index.is_complex())


def _dims(tensor: Tensor, indices: list[Any]) -> Iterator[int]:
    """The dim at which each index begins."""
    taken = [_taken(each) for each in indices]
    dim = 0
    for place, each in enumerate(indices):
        yield dim
        dim += tensor.dim() - sum(taken) if each is Ellipsis else taken[place]


def _taken(index: Any) -> int:
    """How many dims an index stands for; an ellipsis, those that the others leave."""
    if index is None or index is Ellipsis or isinstance(index, bool):
        return 0
    return index.dim() if isinstance(index, Tensor) and index.dtype in _MASKS else 1

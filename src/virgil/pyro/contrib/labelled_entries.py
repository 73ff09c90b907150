"""Parts of one vector that have names: by a dict from name to size, in its order."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping

import torch
from torch import Tensor

from virgil.errors import ArgumentError, did_you_mean

__all__ = ["get_indices", "tensor_to_dict"]


def get_indices(
    labels: Collection[str], sizes: Mapping[str, int] | None = None, tensors: Mapping[str, Tensor] | None = None
) -> Tensor:
    """Where the parts with these names stand in the vector of all parts, in the order of the vector.

    Args:
        labels: names of parts.
        sizes: the length of each part.
        tensors: in place of the sizes, tensors whose first dims have them.

    Raises:
        ArgumentError: there are no sizes, or an unknown name.
    """
    if sizes is None:
        if tensors is None:
            raise ArgumentError("get_indices() needs sizes= or tensors=; it got neither.")
        sizes = {name: tensor.shape[0] for name, tensor in tensors.items()}
    _refuse_unknown("get_indices", labels, sizes)
    parts = [torch.arange(start, stop) for name, start, stop in _spans(sizes) if name in labels]
    return torch.cat(parts) if parts else torch.zeros(0, dtype=torch.long)


def tensor_to_dict(
    sizes: Mapping[str, int], tensor: Tensor, subset: Collection[str] | None = None
) -> dict[str, Tensor]:
    """The parts of a vector, by name. Shape: ``(*batch, size)`` each, of a tensor of ``(*batch, all sizes)``.

    Args:
        sizes: the length of each part.
        tensor: the vectors.
        subset: names of the parts that are wanted; ``None`` for all.

    Raises:
        ArgumentError: an unknown name.
    """
    wanted = sizes if subset is None else subset
    _refuse_unknown("tensor_to_dict", wanted, sizes)
    return {name: tensor[..., start:stop] for name, start, stop in _spans(sizes) if name in wanted}


def _spans(sizes: Mapping[str, int]) -> Iterator[tuple[str, int, int]]:
    start = 0
    for name, size in sizes.items():
        yield name, start, start + size
        start += size


def _refuse_unknown(asking: str, names: Collection[str], sizes: Mapping[str, int]) -> None:
    for name in names:
        if name not in sizes:
            raise ArgumentError(f"{asking}() got the name {name!r}, which no part has. {did_you_mean(name, sizes)}")

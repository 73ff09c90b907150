"""Where the tensors of a file go: ``map_location`` as ``torch.load`` takes it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch import Tensor

from virgil.errors import ArgumentError, shown

__all__ = ["MapLocation", "moved"]

MapLocation = str | torch.device | Mapping[str, str] | Callable[[Any, str], Any] | None


def moved(tensor: Tensor, map_location: MapLocation) -> Tensor:
    """A tensor of a file, which is on the CPU, where ``map_location`` wants it.

    Args:
        tensor: on the CPU.
        map_location: a device; a dict from ``"cpu"`` to one; or a function of a storage and ``"cpu"`` that gives the
            storage where it goes, or ``None``. ``None``: the CPU.

    >>> moved(torch.ones(2), lambda storage, location: storage)
    tensor([1., 1.])

    Raises:
        ArgumentError: it is none of these.
    """
    if callable(map_location):
        storage = map_location(tensor.untyped_storage(), "cpu")
        return tensor if storage is None else tensor.to(storage.device)
    if isinstance(map_location, Mapping):
        map_location = map_location.get("cpu")
    if map_location is None:
        return tensor
    if not isinstance(map_location, str | torch.device):
        raise ArgumentError(
            f"load() got map_location={shown(map_location)}; it takes a device, a dict from devices to devices, or a "
            "function of a storage and its device."
        )
    return tensor.to(map_location)

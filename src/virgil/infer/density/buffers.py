"""The buffers of networks that a program may write."""

from __future__ import annotations

from collections.abc import Iterable

from torch import Tensor, nn

__all__ = ["buffers_of"]


def buffers_of(modules: Iterable[nn.Module]) -> list[Tensor]:
    """The modules' own buffers, each once, but those that are expanded: torch refuses to write into such a tensor."""
    found = {id(each): each for module in modules for each in module.buffers(recurse=False)}
    return [each for each in found.values() if not _is_expanded(each)]


def _is_expanded(tensor: Tensor) -> bool:
    """True where several entries are one number in memory."""
    return any(size > 1 and stride == 0 for size, stride in zip(tensor.shape, tensor.stride(), strict=True))

"""The composition of maps some of which have parameters."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Self

from torch import nn
from torch.distributions.transforms import ComposeTransform, Transform

from virgil.distributions.transforms.cache import clear_cache

__all__ = ["ComposeTransformModule"]


class ComposeTransformModule(ComposeTransform, nn.ModuleList):
    """Maps applied first to last, of which those with parameters are registered as modules.

    Args:
        parts: the maps.
        cache_size: 1 to keep the last value and its image, 0 to keep none.
    """

    def __init__(self, parts: Iterable[Transform], cache_size: int = 0) -> None:
        parts = list(parts)
        super().__init__(parts, cache_size=cache_size)
        for part in parts:
            if isinstance(part, nn.Module):
                self.append(part)

    def __hash__(self) -> int:
        return nn.Module.__hash__(self)

    def with_cache(self, cache_size: int = 1) -> Self:
        """The same map with this size of cache."""
        return self if self._cache_size == cache_size else type(self)(self.parts, cache_size=cache_size)

    def clear_cache(self) -> None:
        """Forget the last value and its image, in all the maps."""
        clear_cache(self)

"""Maps with parameters of their own."""

from __future__ import annotations

import copy
from typing import Any, Self

from torch import nn
from torch.distributions.transforms import Transform

from virgil.distributions.transforms.cache import clear_cache

__all__ = ["TransformModule"]


class TransformModule(Transform, nn.Module):
    """The base of a map that is a module as well: its parameters are registered, moved and saved as a module's are.

    A copy, or a file, does not hold the value that the map keeps.

    Args:
        cache_size: 1 to keep the last value and its image, so that the inverse of a draw is known; 0 to keep none.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)

    def __hash__(self) -> int:
        return nn.Module.__hash__(self)

    def __getstate__(self) -> dict[str, Any]:
        return {**super().__getstate__(), "_cached_x_y": (None, None)}

    def with_cache(self, cache_size: int = 1) -> Self:
        """The same map, of the same parameters, with this size of cache."""
        if self._cache_size == cache_size:
            return self
        other = copy.copy(self)
        other._cache_size = cache_size
        return other

    def clear_cache(self) -> None:
        """Forget the last value and its image."""
        clear_cache(self)

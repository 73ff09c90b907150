"""Maps with parameters of their own."""

from __future__ import annotations

import copy
from typing import Any, Self

from torch import Tensor, nn
from torch.distributions.transforms import Transform

from virgil.distributions.transforms.cache import clear_cache

__all__ = ["TransformModule"]


class TransformModule(Transform, nn.Module):
    """The base of a map that is a module as well: its parameters are registered, moved and saved as a module's are.

    With a cache, a map knows where the last value came from that it made: the inverse of a draw is known. The image of
    a value that a program gives, such as data, is computed anew each time, as a step of an optimiser may have moved the
    parameters since. Score a draw before the parameters move, or call `clear_cache`.

    A copy, or a file, does not hold the value that the map keeps.

    Args:
        cache_size: 1 to keep the last value that the map made and where it came from; 0 to keep none.
    """

    _cached_x_y: Any = None, None
    _is_image_made = False  # of what is kept: the image was made of the value, and not the value of the image

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)

    def __hash__(self) -> int:
        return nn.Module.__hash__(self)

    def __getstate__(self) -> dict[str, Any]:
        state = {**super().__getstate__(), "_cached_x_y": (None, None)}
        state.pop("_kept", None)
        return state

    def __call__(self, x: Tensor) -> Tensor:
        """The image of ``x``."""
        if self._cached_x_y[0] is x and not self._is_image_made:
            y: Tensor = self._cached_x_y[1]
            return y
        y = self._call(x)
        self._keep(x, y, is_image_made=True)
        return y

    def _inv_call(self, y: Tensor) -> Tensor:
        if self._cached_x_y[1] is y and self._is_image_made:
            x: Tensor = self._cached_x_y[0]
            return x
        x = self._inverse(y)
        self._keep(x, y, is_image_made=False)
        return x

    def _keep(self, x: Tensor, y: Tensor, is_image_made: bool) -> None:
        if self._cache_size:
            self._cached_x_y, self._is_image_made = (x, y), is_image_made

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

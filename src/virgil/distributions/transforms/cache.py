"""The last value and image that a map keeps, forgotten."""

from __future__ import annotations

from torch.distributions.transforms import Transform

__all__ = ["clear_cache"]


def clear_cache(transform: Transform) -> None:
    """Forget the last value and its image, in the map and in the maps that it is made of.

    A map with ``cache_size=1`` gives back the very tensor that it kept, with the graph of its derivatives. After a step
    has changed the parameters of the map, such an inverse is that of the old parameters.
    """
    waiting, seen = [transform], set()  # a map and its inverse hold each other
    while waiting:
        each = waiting.pop()
        seen.add(id(each))
        each._cached_x_y = None, None
        vars(each).pop("_kept", None)  # of layers of flows: the log-determinant
        held = [*getattr(each, "parts", ()), *getattr(each, "transforms", ()), getattr(each, "base_transform", None)]
        waiting += [other for other in [*held, each._inv] if isinstance(other, Transform) and id(other) not in seen]

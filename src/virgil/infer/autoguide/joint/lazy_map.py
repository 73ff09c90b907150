"""``LazyMap``: the map that a module gives when it is called, such as those of the package zuko, as a transform."""

from __future__ import annotations

from typing import Any, cast

from torch import Tensor, nn
from torch import distributions as td

from virgil.distributions import constraints

__all__ = ["LazyMap", "map_of"]


def map_of(made: Any) -> td.Transform | None:
    """The map from normals to latent variables that a user's function has made; ``None`` where it is none.

    Args:
        made: a transform; or a module whose call without arguments gives one, or a distribution of latent variables
            that has the map to its normals as ``transform``.
    """
    if isinstance(made, td.Transform):
        return cast(Any, made).with_cache() if isinstance(made, nn.Module) else made
    if not isinstance(made, nn.Module):
        return None
    given: Any = made()
    if isinstance(given, td.Transform):
        return LazyMap(given)
    to_normals = getattr(given, "transform", None)
    return LazyMap(to_normals.inv) if isinstance(to_normals, td.Transform) else None


class LazyMap(td.Transform):
    """A map of vectors that remembers the log-determinant of the last image, where the two are computed together.

    Args:
        transform: the map; if it has ``call_and_ladj``, that gives an image with its log-determinant.
    """

    domain = constraints.real_vector
    codomain = constraints.real_vector
    bijective = True

    def __init__(self, transform: td.Transform) -> None:
        super().__init__(cache_size=1)
        self.transform = transform
        self._last: tuple[Tensor, Tensor] | None = None

    def __eq__(self, other: object) -> bool:
        return isinstance(other, LazyMap) and other.transform == self.transform

    __hash__ = td.Transform.__hash__

    def with_cache(self, cache_size: int = 1) -> LazyMap:
        """The map itself, which has a cache."""
        return self

    def _call(self, x: Tensor) -> Tensor:
        together = getattr(self.transform, "call_and_ladj", None)
        if together is None:
            image: Tensor = self.transform(x)
            return image
        image, log_det = together(x)
        self._last = x, log_det
        return image

    def _inverse(self, y: Tensor) -> Tensor:
        preimage: Tensor = self.transform.inv(y)
        return preimage

    def log_abs_det_jacobian(self, x: Tensor, y: Tensor) -> Tensor:
        """The logarithm of the volume change, nats. Shape: ``(..., n)`` twice to ``(...)``."""
        if self._last is not None and self._last[0] is x:
            return self._last[1]
        log_det: Tensor = self.transform.log_abs_det_jacobian(x, y)
        return log_det

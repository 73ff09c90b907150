"""``AutoGuide`` with the methods of old programs."""

from __future__ import annotations

import weakref
from collections import OrderedDict
from typing import Any

from torch import Tensor

from virgil.infer import autoguide as house

__all__ = ["AutoGuide"]


class AutoGuide(house.AutoGuide):
    """:class:`virgil.infer.autoguide.AutoGuide` with the methods of old programs.

    The keys of ``state_dict()`` are the former ones, such as ``locs.x_unconstrained``; both kinds can be loaded.

    Attributes:
        master: a weak reference to the list that the guide is a part of; ``None`` for a guide by itself.
    """

    master: weakref.ref[Any] | None = None

    def call(self, *args: Any, **kwargs: Any) -> tuple[Tensor, ...]:
        """The values of a call without their names, for ``torch.jit.trace_module``."""
        return tuple(self(*args, **kwargs).values())

    def sample_latent(self, *args: Any, **kwargs: Any) -> Any:
        """The vector that a family draws all latent variables as; ``None`` for a family without one."""
        inherited = getattr(super(), "sample_latent", None)
        return None if inherited is None else inherited(*args, **kwargs)

    def _former_key(self, key: str) -> str:
        """The key that a parameter has in old files."""
        return key

    def state_dict(self, *args: Any, destination: Any = None, prefix: str = "", keep_vars: bool = False) -> Any:
        """The parameters, unconstrained, under the former keys."""
        own: Any = super().state_dict(*args, prefix=prefix, keep_vars=keep_vars)
        if destination is None:
            destination = OrderedDict()
            destination._metadata = OrderedDict()
        for key, value in own.items():
            destination[prefix + self._former_key(key[len(prefix) :])] = value
        if hasattr(destination, "_metadata"):
            destination._metadata.update(own._metadata)
        return destination

    def __getstate__(self) -> dict[str, Any]:
        """The state that is pickled and copied: all but the reference to the list, which the list makes anew."""
        state = dict(self.__dict__)
        state.pop("master", None)
        return state

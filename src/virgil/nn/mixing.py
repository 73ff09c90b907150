"""``PyroModule[nn.Linear]``: the class of programs that are networks of a given class."""

from __future__ import annotations

import copyreg
from typing import Any

from torch import nn

from virgil.errors import ArgumentError, shown
from virgil.nn.call import calls
from virgil.nn.containers import Container, Recurrent
from virgil.nn.layers import LAYERS

__all__ = ["Mixing"]

_mixed: dict[tuple[type, type], Any] = {}


class Mixing(type):
    """The type of ``PyroModule``."""

    def __call__(cls, *args: Any, **kwargs: Any) -> Any:
        """Make a module."""
        calls.making += 1
        try:
            return super().__call__(*args, **kwargs)
        finally:
            calls.making -= 1

    def __getitem__(cls, network: type[nn.Module]) -> Any:
        """The class of networks like these whose attributes may be parameters and random variables."""
        if not isinstance(network, type) or not issubclass(network, nn.Module):
            raise ArgumentError(
                f"{cls.__name__}[...] got {shown(network)}; it takes a class of networks, as nn.Linear."
            )
        if issubclass(network, cls):
            return network
        if issubclass(cls, network):
            return cls
        known = _mixed.get((cls, network))
        if known is None:
            bases: list[type[nn.Module]] = [
                kind for kind in (Container, Recurrent) if issubclass(network, kind.networks)
            ]
            if network.forward in LAYERS:
                bases.append(LAYERS[network.forward])
            attributes = {"__init__": network.__init__, "__doc__": network.__doc__, "_mixed_from": (cls, network)}
            known = Mixing(f"Pyro{network.__name__}", (*bases, cls, network), attributes)
            known = _mixed.setdefault((cls, network), known)
        return known


def _reduce(kind: type) -> Any:
    """How a class is pickled: by name, but one made above by what it was made of."""
    mixed_from = vars(kind).get("_mixed_from")
    return kind.__qualname__ if mixed_from is None else (Mixing.__getitem__, mixed_from)


copyreg.pickle(Mixing, _reduce)

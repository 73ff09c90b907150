"""Registration of a divergence in closed form that takes the place of torch's."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from torch import Tensor
from torch import distributions as td
from torch.distributions import register_kl

__all__ = ["divergence"]

_Divergence = Callable[[Any, Any], Tensor]


def divergence(first: type[td.Distribution], second: type[td.Distribution]) -> Callable[[_Divergence], _Divergence]:
    """Register ``KL(p || q)`` for two of Virgil's families, and for either beside torch's class of the other.

    Two of torch's own classes keep torch's formula, which other code in the process may rely on.
    """

    def register(fn: _Divergence) -> _Divergence:
        for pair in dict.fromkeys([(first, second), (first, _torchs(second)), (_torchs(first), second)]):
            register_kl(*pair)(fn)
        return fn

    return register


def _torchs(family: type[td.Distribution]) -> type[td.Distribution]:
    """Torch's class of the family, or the family itself where torch has none."""
    kin = next(each for each in family.__mro__ if each.__module__.startswith("torch.distributions."))
    return family if kin is td.Distribution else kin

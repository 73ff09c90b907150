"""Bijections of real vectors that keep their length."""

from __future__ import annotations

from collections.abc import Callable

from torch import Tensor

from virgil.distributions.transforms.flows.layer import REAL_VECTOR
from virgil.distributions.transforms.transform_module import TransformModule

__all__ = ["GivenParameters", "VectorBijection", "VectorMap"]

_Params = tuple[Tensor, Tensor, Tensor]


class VectorBijection(TransformModule):
    """The base of a bijection of real vectors, given by a formula of its parameters.

    Shape: ``(*batch, n)`` to ``(*batch, n)``, where the batches of value and parameters broadcast.
    """

    domain = codomain = REAL_VECTOR
    bijective = True

    def __init__(self) -> None:
        super().__init__(cache_size=1)


class VectorMap(VectorBijection):
    """The abstract base of one whose formula has three parameters."""

    def _params(self) -> _Params:
        raise NotImplementedError


class GivenParameters(VectorMap):
    """The base of one whose parameters are given to the constructor. It comes before the class with the formula.

    Args:
        params: the parameters, or a function that gives them.
    """

    def __init__(self, params: _Params | Callable[[], _Params]) -> None:
        super().__init__()
        self._given = params

    def _params(self) -> _Params:
        return self._given() if callable(self._given) else self._given

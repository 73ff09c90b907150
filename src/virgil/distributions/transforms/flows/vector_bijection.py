"""Bijections of real vectors that keep their length."""

from __future__ import annotations

from virgil.distributions.transforms.flows.layer import REAL_VECTOR
from virgil.distributions.transforms.transform_module import TransformModule

__all__ = ["VectorBijection"]


class VectorBijection(TransformModule):
    """The base of a bijection of real vectors, given by a formula of its parameters.

    Shape: ``(*batch, n)`` to ``(*batch, n)``, where the batches of value and parameters broadcast.
    """

    domain = codomain = REAL_VECTOR
    bijective = True

    def __init__(self) -> None:
        super().__init__(cache_size=1)

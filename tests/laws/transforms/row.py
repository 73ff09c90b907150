"""One map's row: a map in double precision, and values on which the laws are tried."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.distributions.transforms import Transform

from virgil.distributions.transforms import ConditionalTransform

CONTEXT_DIM = 5


def drawn(*shape: int) -> Tensor:
    """Normal draws, the same for a shape."""
    return torch.randn(*shape, dtype=torch.double, generator=torch.Generator().manual_seed(len(shape) + sum(shape)))


@dataclass(frozen=True)
class Row:
    """A map and what the laws need to know of it.

    Attributes:
        make: makes the map.
        x: values of the domain. Shape: ``(2, *event)``.
        coordinates: free coordinates of the values, where these are not their entries. Shape: ``(2, n)``.
        whole: from free coordinates to the value.
        free: from an image to its free coordinates.
        onto: whether the map is a bijection.
        accuracy: relative error of the round trip.
    """

    make: Callable[[], Transform]
    x: Tensor
    coordinates: Tensor | None = None
    whole: Callable[[Tensor], Tensor] = lambda u: u
    free: Callable[[Tensor], Tensor] = lambda y: y
    onto: bool = True
    accuracy: float = 1e-10


def seeded(make: Callable[[], Transform], scale: float = 1.0) -> Callable[[], Transform]:
    """A map whose parameters are normal draws, so that none is near its first value."""

    def made() -> Transform:
        torch.manual_seed(3)
        transform = make().double()
        with torch.no_grad():
            for each in transform.parameters():
                each.copy_(torch.randn(each.shape, dtype=torch.double) * scale)
        return transform

    return made


def conditioned(make: Callable[[], ConditionalTransform]) -> Callable[[], Transform]:
    """A conditional map at two contexts, of which the two values have one each."""

    def made() -> Transform:
        torch.manual_seed(4)
        return make().double().condition(drawn(2, CONTEXT_DIM) * 2)

    return made

"""``Posterior``: a model with its data, and how its answer is known."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

Draws = dict[str, Tensor]
Exact = Mapping[str, tuple[Tensor, Tensor]]


@dataclass(frozen=True)
class Posterior:
    """A model with its data.

    Attributes:
        name: as ``--posteriors`` takes it.
        family: the kind of model.
        model: the program; it takes all of its data as arguments, so that they may be given in float64.
        data: makes the arguments, float32, from a seed of its own or from a table that ships in a package.
        summed_out: discrete sites.
        exact: from the arguments in float64 to mean and standard deviation by site, where there is a closed form.
        quadrature: whether a grid over the unconstrained vector, of three entries at most, gives the answer.
        known_as: another posterior with the same quantities, in a parameterisation that is easier to sample.
        judged: from draws of the sites to those of the quantities that are judged. Default: the sites themselves.
    """

    name: str
    family: str
    model: Callable[..., Any]
    data: Callable[[], tuple[Tensor, ...]]
    summed_out: tuple[str, ...] = ()
    exact: Callable[..., Exact] | None = None
    quadrature: bool = False
    known_as: str | None = None
    judged: Callable[[Draws], Draws] | None = None

    def arguments(self, dtype: torch.dtype = torch.float32) -> tuple[Tensor, ...]:
        """The data; in float64 they are those of float32, widened."""
        return tuple(each.to(dtype) for each in self.data())

    def quantities(self, draws: Draws) -> Draws:
        """Draws of the quantities that are judged, float64. Shape: ``(draws, entries)`` each."""
        kept = {name: draw.double() for name, draw in draws.items() if name not in self.summed_out}
        found = kept if self.judged is None else self.judged(kept)
        return {name: draw.reshape(len(draw), -1) for name, draw in found.items()}

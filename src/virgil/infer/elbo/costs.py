"""``Costs``: an execution as the terms of a bound, each with the draws that it can depend on."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from torch import Tensor

from virgil.infer.density.execution import Pair
from virgil.poutine.site import Site

__all__ = ["Costs", "IsScored", "per_particle"]

IsScored = Callable[[Site], bool]


class Costs(Protocol):
    """The terms of one execution of guide and model, nats."""

    @property
    def pair(self) -> Pair:
        """The execution."""
        ...

    def log_weights(self) -> Tensor:
        """The sum of all terms, for each particle. Shape: ``(particles,)``, or ``()`` where there is but one."""
        ...

    def scores(self, is_scored: IsScored) -> Tensor | None:
        r"""The surrogate of the score function for some latent variables :math:`z_i` of the guide, for each particle.

        .. math:: \sum_i \log q(z_i) \Bigl(\sum_{j \in D_i} w_j c_j + s_i\Bigr),

        with the terms :math:`c_j` that :math:`z_i` can influence detached, and :math:`s_i` the factor of
        :math:`-\log q(z_i)` in the bound: it takes out the derivative of that term, which has mean zero. The density
        is taken without scale, mask or plate weight: these change the objective, not how the value was drawn. ``None``
        where no variable is chosen.

        Args:
            is_scored: chooses the variables by their sites in the guide.
        """
        ...


def per_particle(value: Tensor, place: int | None) -> Tensor:
    """The sum over all dims but that of the particles; ``place`` counts it from the left, ``None`` for none."""
    if not value.dim():
        return value
    if place is None:
        return value.sum()
    others = [dim for dim in range(value.dim()) if dim != place]
    return value.sum(others) if others else value

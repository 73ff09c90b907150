"""The beta distribution by its mean."""

from __future__ import annotations

from typing import Any, Self

from torch import Size, Tensor
from torch.distributions import constraints

from virgil.distributions.continuous.beta import Beta
from virgil.distributions.core.broadcast_parameters import broadcast_pair
from virgil.ops.sizes import Sizes

__all__ = ["BetaProportion"]


class BetaProportion(Beta):
    """A number in (0, 1) of the distribution ``Beta(mean * concentration, (1 - mean) * concentration)``.

    The variance is ``mean * (1 - mean) / (concentration + 1)`` *(Ferrari and Cribari-Neto 2004)*. Shape: parameters
    ``(*batch,)``, event ``()``.

    Args:
        mean: in (0, 1).
        concentration: > 0.
    """

    arg_constraints = {"mean": constraints.unit_interval, "concentration": constraints.positive}

    def __init__(self, mean: Tensor | float, concentration: Tensor | float, validate_args: bool | None = None) -> None:
        self._mean, self.concentration = broadcast_pair(mean, concentration)
        super().__init__(
            self._mean * self.concentration, (1 - self._mean) * self.concentration, validate_args=validate_args
        )

    @property
    def mean(self) -> Tensor:
        return self._mean

    def expand(self, batch_shape: Sizes, _instance: Any = None) -> Self:
        new = self._get_checked_instance(BetaProportion, _instance)
        new._mean, new.concentration = (each.expand(Size(batch_shape)) for each in (self._mean, self.concentration))
        return super().expand(batch_shape, new)

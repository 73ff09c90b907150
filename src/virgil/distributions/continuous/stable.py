"""Stable distributions."""

from __future__ import annotations

import math
from typing import Any, Self

import torch
from torch import Size, Tensor
from torch import distributions as td
from torch.distributions import constraints
from torch.distributions.utils import broadcast_all

from virgil.distributions.core.shape_algebra import TorchDistributionMixin
from virgil.distributions.core.uniform_draws import open_unit_interval
from virgil.errors import ArgumentError, shown
from virgil.ops.sizes import Sizes
from virgil.ops.stable_density import stable_log_density
from virgil.ops.stable_draws import stable_draws

__all__ = ["Stable"]


class Stable(TorchDistributionMixin):
    r"""A real number of which sums are distributed as it is, up to location and scale: heavy tails, skewed or not.

    In the parametrisation S0, which is continuous in all parameters, the characteristic function is
    :math:`\exp(i \mu t - |\sigma t|^\alpha (1 + i \beta \operatorname{sign}(t) \tan(\tfrac{\pi\alpha}{2})
    (|\sigma t|^{1-\alpha} - 1)))` *(Nolan 2020, definition 1.4)*. Stability 2 is a normal distribution of variance
    :math:`2\sigma^2`, stability 1 without skew a Cauchy distribution, stability 1/2 with skew 1 a Lévy distribution.

    Draws have pathwise derivatives *(Chambers, Mallows and Stuck 1976)*. The log-density is an integral of 161 points,
    ten digits exact for stabilities from 0.1 *(Nolan 1997)*; a reparameteriser avoids it. Shape: parameters
    ``(*batch,)``, event ``()``.

    Args:
        stability: alpha, in (0, 2]; tails fall off as ``|x| ** (-1 - alpha)``.
        skew: beta, in [-1, 1].
        scale: > 0.
        loc: location. The mean is ``loc - scale * skew * tan(pi * stability / 2)`` where the stability is above 1.
        coords: ``"S0"``, or ``"S"`` for the parametrisation S1, in which ``loc`` is the mean where there is one; it is
            not continuous at a stability of 1.

    Raises:
        ArgumentError: other ``coords``.
    """

    arg_constraints = {
        "stability": constraints.interval(0, 2),
        "skew": constraints.interval(-1, 1),
        "scale": constraints.positive,
        "loc": constraints.real,
    }
    support = constraints.real
    has_rsample = True
    num_points = 161
    """How many points the integral of a density has."""

    def __init__(
        self,
        stability: Tensor | float,
        skew: Tensor | float,
        scale: Tensor | float = 1.0,
        loc: Tensor | float = 0.0,
        coords: str = "S0",
        validate_args: bool | None = None,
    ) -> None:
        if coords not in ("S", "S0"):
            raise ArgumentError(f"Stable got coords={shown(coords)}; it takes 'S0', which is continuous, or 'S'.")
        self.stability, self.skew, self.scale, self.loc = broadcast_all(stability, skew, scale, loc)
        self.coords = coords
        super().__init__(self.loc.shape, validate_args=validate_args)

    def expand(self, batch_shape: Sizes, _instance: Any = None) -> Self:
        new = self._get_checked_instance(Stable, _instance)
        for name in self.arg_constraints:
            setattr(new, name, getattr(self, name).expand(Size(batch_shape)))
        new.coords = self.coords
        td.Distribution.__init__(new, Size(batch_shape), validate_args=False)
        new._validate_args = self._validate_args
        return new

    def _centre(self) -> Tensor:
        """The location in the parametrisation S0, in double precision."""
        return self.loc.double() + (self._shift() if self.coords == "S" else 0.0)

    def _shift(self) -> Tensor:
        """The location in S0 less that in S."""
        alpha, beta, scale = self.stability.double(), self.skew.double(), self.scale.double()
        cauchy = alpha == 1
        # tan(pi alpha / 2), of which the argument of the tangent is small at a stability of 2
        tangent = -1 / torch.tan(math.pi / 2 * torch.where(cauchy, 1.0, alpha - 1))
        return beta * scale * torch.where(cauchy, scale.log() * (2 / math.pi), tangent)

    def rsample(self, sample_shape: Sizes = Size()) -> Tensor:
        shape = self.shape(sample_shape)
        uniform = open_unit_interval(shape, self.loc)
        exponential = torch.empty(shape, dtype=self.loc.dtype, device=self.loc.device).exponential_()
        draws = stable_draws(uniform, exponential, self.stability, self.skew)
        return (self._centre() + self.scale * draws).to(self.loc.dtype)

    def log_prob(self, value: Tensor) -> Tensor:
        if self._validate_args:
            self._validate_sample(value)
        z = (value.double() - self._centre()) / self.scale
        log_density = stable_log_density(z, self.stability, self.skew, self.num_points) - self.scale.double().log()
        return log_density.to(torch.promote_types(value.dtype, self.loc.dtype))

    @property
    def mean(self) -> Tensor:
        """The mean where the stability is above 1, else NaN, as there is none."""
        mean = self.loc if self.coords == "S" else (self.loc - self._shift()).to(self.loc.dtype)
        return torch.where(self.stability > 1, mean, torch.nan)

    @property
    def variance(self) -> Tensor:
        """``2 * scale ** 2`` where the stability is 2, else infinity."""
        return torch.where(self.stability == 2, 2 * self.scale.square(), torch.inf)

"""The generalised Pareto distribution."""

from __future__ import annotations

import torch
from torch import Tensor
from torch import distributions as td
from torch.distributions import constraints

from virgil.distributions.core.shape_algebra import TorchDistributionMixin

__all__ = ["GeneralizedPareto"]


class GeneralizedPareto(TorchDistributionMixin, td.GeneralizedPareto):
    """A number above ``loc``, the excess over a threshold *(Pickands 1975)*; bounded where concentration < 0.

    The distribution function is ``1 - (1 + c * z)**(-1 / c)`` with ``z = (x - loc) / scale`` and c the concentration;
    at c = 0 it is ``1 - exp(-z)``. Shape: parameters ``(*batch,)``, event ``()``.

    Args:
        loc: threshold.
        scale: > 0.
        concentration: shape, real; moments of order ``1 / concentration`` and above do not exist.
    """

    @constraints.dependent_property(is_discrete=False, event_dim=0)
    def support(self) -> constraints.Constraint:
        if bool((self.concentration < 0).any()):
            return constraints.interval(self.loc, self._upper())
        # an interval up to infinity would have no bijection from the reals
        return constraints.greater_than_eq(self.loc)

    def _upper(self) -> Tensor:
        return torch.where(self.concentration < 0, self.loc - self.scale / self.concentration, torch.inf)

    def log_survival_function(self, value: Tensor) -> Tensor:
        """The log-probability of exceeding ``value``: ``-log(1 + c * z) / c``, which is ``-z`` at c = 0."""
        if self._validate_args:
            self._validate_sample(value)
        z, c = (value - self.loc) / self.scale, self.concentration
        at_zero = c.abs() < 1e-8
        safe = torch.where(at_zero, 1.0, c)
        return -torch.where(at_zero, z, torch.log1p(safe * z) / safe)

    def log_prob(self, value: Tensor) -> Tensor:
        # torch's own compares a double with a single precision zero, and fails
        return (1 + self.concentration) * self.log_survival_function(value) - self.scale.log()

"""The exponential distribution by rejection."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.distributions import constraints
from torch.distributions.utils import broadcast_all

from virgil.distributions.continuous.exponential import Exponential
from virgil.pyro.distributions.rejector import Rejector

__all__ = ["RejectionExponential"]


class RejectionExponential(Rejector):
    """Exponential draws with this rate, from those with the rate ``rate * factor``.

    Args:
        rate: > 0.
        factor: the share of proposals that are accepted, in (0, 1].
    """

    arg_constraints = {"rate": constraints.positive, "factor": constraints.unit_interval}
    support = constraints.nonnegative

    def __init__(self, rate: Tensor | float, factor: Tensor | float) -> None:
        self.rate, self.factor = broadcast_all(rate, factor)
        propose = Exponential(self.rate * self.factor, validate_args=False)
        super().__init__(propose, self._log_prob_accept, torch.log(self.factor))

    def _log_prob_accept(self, x: Tensor) -> Tensor:
        return (self.factor - 1) * self.rate * x

"""A distribution of counts with more zeros."""

from __future__ import annotations

from typing import Any

import torch
from torch import Size, Tensor
from torch.distributions import constraints

from virgil.distributions.core.gated_distribution import GatedDistribution
from virgil.ops.sizes import Sizes

__all__ = ["ZeroInflatedDistribution"]


class ZeroInflatedDistribution(GatedDistribution):
    """Zero with probability ``gate``, else a draw of ``base_dist``, which may be zero as well *(Lambert 1992)*.

    The probability of k is ``gate * (k == 0) + (1 - gate) * p(k)``. Shape: ``gate`` and ``base_dist`` have
    ``(*batch,)``, event ``()``.

    Args:
        base_dist: a distribution of single numbers.
        gate: probability of an extra zero, in [0, 1].
        gate_logits: log-odds of an extra zero, in place of ``gate``.

    Raises:
        ArgumentError: both of ``gate`` and ``gate_logits`` are given, or none.
        ShapeError: the events of ``base_dist`` are not single numbers.
    """

    @constraints.dependent_property(event_dim=0)
    def support(self) -> Any:
        return self.base_dist.support

    def sample(self, sample_shape: Sizes = Size()) -> Tensor:
        with torch.no_grad():
            extra = torch.bernoulli(self.gate.expand(self.shape(sample_shape)))
            return torch.where(extra == 1, 0.0, self.base_dist.sample(sample_shape))

    def log_prob(self, value: Tensor) -> Tensor:
        if self._validate_args:
            self._validate_sample(value)
        log_gate, log_rest = self._log_gate()
        log_prob = log_rest + self.base_dist.log_prob(value)
        return torch.where(value == 0, torch.logaddexp(log_gate, log_prob), log_prob)

    @property
    def mean(self) -> Tensor:
        return (1 - self.gate) * self.base_dist.mean

    @property
    def variance(self) -> Tensor:
        mean, rest = self.base_dist.mean, 1 - self.gate
        return rest * (self.base_dist.variance + self.gate * mean.square())

"""A distribution of counts with more zeros."""

from __future__ import annotations

from typing import Any, Self

import torch
from torch import Size, Tensor
from torch import distributions as td
from torch.distributions import constraints
from torch.distributions.utils import lazy_property
from torch.nn.functional import logsigmoid

from virgil.distributions.core.log_probabilities import inside, log_odds
from virgil.distributions.core.shape_algebra import TorchDistributionMixin, expanded
from virgil.errors import ArgumentError, ShapeError
from virgil.ops.broadcast import broadcast_shapes
from virgil.ops.sizes import Sizes

__all__ = ["ZeroInflatedDistribution"]


class ZeroInflatedDistribution(TorchDistributionMixin):
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

    arg_constraints: dict[str, constraints.Constraint] = {
        "gate": constraints.unit_interval,
        "gate_logits": constraints.real,
    }

    def __init__(
        self,
        base_dist: td.Distribution,
        *,
        gate: Tensor | float | None = None,
        gate_logits: Tensor | float | None = None,
        validate_args: bool | None = None,
    ) -> None:
        name = type(self).__name__
        if (gate is None) == (gate_logits is None):
            raise ArgumentError(f"{name} takes one of gate and gate_logits: the probability of an extra zero.")
        if base_dist.event_shape:
            raise ShapeError(
                f"{name} got a base_dist of event_shape {tuple(base_dist.event_shape)}; its events are single numbers. "
                "Inflate the distribution of one number first, then call to_event."
            )
        given = torch.as_tensor(gate if gate_logits is None else gate_logits)
        shape = Size(broadcast_shapes(base_dist.batch_shape, given.shape))
        self.base_dist = base_dist if base_dist.batch_shape == shape else expanded(base_dist, shape)
        setattr(self, "gate" if gate_logits is None else "gate_logits", given.expand(shape))
        super().__init__(shape, validate_args=validate_args)

    @lazy_property
    def gate(self) -> Tensor:
        """The probability of an extra zero. Shape: ``(*batch,)``."""
        return torch.sigmoid(self.gate_logits)

    @lazy_property
    def gate_logits(self) -> Tensor:
        """The log-odds of an extra zero. Shape: ``(*batch,)``."""
        return log_odds(self.gate)

    def expand(self, batch_shape: Sizes, _instance: Any = None) -> Self:
        new = self._get_checked_instance(ZeroInflatedDistribution, _instance)
        new.base_dist = expanded(self.base_dist, batch_shape)
        for name in {"gate", "gate_logits"} & self.__dict__.keys():
            setattr(new, name, self.__dict__[name].expand(batch_shape))
        super(ZeroInflatedDistribution, new).__init__(Size(batch_shape), validate_args=False)
        new._validate_args = self._validate_args
        return new

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
        if "gate" in self.__dict__:
            gate = inside(self.gate)
            log_gate, log_rest = gate.log(), (-gate).log1p()
        else:
            log_gate, log_rest = logsigmoid(self.gate_logits), logsigmoid(-self.gate_logits)
        log_prob = log_rest + self.base_dist.log_prob(value)
        return torch.where(value == 0, torch.logaddexp(log_gate, log_prob), log_prob)

    @property
    def mean(self) -> Tensor:
        return (1 - self.gate) * self.base_dist.mean

    @property
    def variance(self) -> Tensor:
        mean, rest = self.base_dist.mean, 1 - self.gate
        return rest * (self.base_dist.variance + self.gate * mean.square())

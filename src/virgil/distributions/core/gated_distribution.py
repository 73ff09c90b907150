"""The ground of families that are zero with a probability of their own, the gate, and else follow another one."""

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

__all__ = ["GatedDistribution"]


class GatedDistribution(TorchDistributionMixin):
    """Abstract base: ``base_dist``, and the gate as ``gate`` or ``gate_logits``, of which a constructor takes one.

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
            raise ArgumentError(f"{name} takes one of gate and gate_logits: the probability of zero.")
        if base_dist.event_shape:
            raise ShapeError(
                f"{name} got a base_dist of event_shape {tuple(base_dist.event_shape)}; its events are single numbers. "
                "State it for one number first, then call to_event."
            )
        given = torch.as_tensor(gate if gate_logits is None else gate_logits)
        shape = Size(broadcast_shapes(base_dist.batch_shape, given.shape))
        self.base_dist = base_dist if base_dist.batch_shape == shape else expanded(base_dist, shape)
        setattr(self, "gate" if gate_logits is None else "gate_logits", given.expand(shape))
        super().__init__(shape, validate_args=validate_args)

    @lazy_property
    def gate(self) -> Tensor:
        """The probability of zero, or of an extra one. Shape: ``(*batch,)``."""
        return torch.sigmoid(self.gate_logits)

    @lazy_property
    def gate_logits(self) -> Tensor:
        """Its log-odds. Shape: ``(*batch,)``."""
        return log_odds(self.gate)

    def expand(self, batch_shape: Sizes, _instance: Any = None) -> Self:
        new = self._get_checked_instance(GatedDistribution, _instance)
        new.base_dist = expanded(self.base_dist, batch_shape)
        for name in {"gate", "gate_logits"} & self.__dict__.keys():
            setattr(new, name, self.__dict__[name].expand(batch_shape))
        super(GatedDistribution, new).__init__(Size(batch_shape), validate_args=False)
        new._validate_args = self._validate_args
        return new

    def _log_gate(self) -> tuple[Tensor, Tensor]:
        """The logarithms of the gate and of the rest."""
        if "gate" in self.__dict__:
            gate = inside(self.gate)
            return gate.log(), (-gate).log1p()
        return logsigmoid(self.gate_logits), logsigmoid(-self.gate_logits)

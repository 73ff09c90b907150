"""``CoupledBatch``: batch dims on the right counted as event dims, with the plates left of them where they are."""

from __future__ import annotations

from typing import Any, Self

import torch
from torch import Size, Tensor
from torch import distributions as td
from torch.distributions import constraints

from virgil.distributions.core.shape_algebra import TorchDistributionMixin, expanded
from virgil.ops.sizes import Sizes

__all__ = ["CoupledBatch", "without_ones"]


class CoupledBatch(TorchDistributionMixin):
    """A distribution whose rightmost batch dims belong to the event, and leave a batch dim of size 1 each.

    Shape: batch ``(*left, 1, ..., 1)`` and event ``(*coupled, *event)`` for a base of batch ``(*left, *coupled)``.

    Args:
        base_dist: the distribution.
        count: how many batch dims.
    """

    arg_constraints: dict[str, constraints.Constraint] = {}

    def __init__(self, base_dist: Any, count: int, validate_args: bool | None = None) -> None:
        self.base_dist, self.count = base_dist, count
        super().__init__(*self._shapes(), validate_args=validate_args)

    def _shapes(self) -> tuple[Size, Size]:
        batch, count = self.base_dist.batch_shape, self.count
        cut = len(batch) - count
        return batch[:cut] + Size([1] * count), batch[cut:] + self.base_dist.event_shape

    def expand(self, batch_shape: Sizes, _instance: Any = None) -> Self:
        new = self._get_checked_instance(CoupledBatch, _instance)
        left = Size(batch_shape)[: len(Size(batch_shape)) - self.count]
        coupled = self._event_shape[: self.count]
        new.base_dist, new.count = expanded(self.base_dist, left + coupled), self.count
        super(CoupledBatch, new).__init__(*new._shapes(), validate_args=False)
        new._validate_args = self._validate_args
        return new

    @property
    def has_rsample(self) -> bool:  # type: ignore[override]
        return bool(self.base_dist.has_rsample)

    @constraints.dependent_property
    def support(self) -> constraints.Constraint:
        return constraints.independent(self.base_dist.support, self.count)

    def _with_ones(self, draw: Tensor) -> Tensor:
        cut = draw.dim() - len(self._event_shape)
        return draw.reshape(draw.shape[:cut] + Size([1] * self.count) + draw.shape[cut:])

    def rsample(self, sample_shape: Sizes = Size()) -> Tensor:
        return self._with_ones(self.base_dist.rsample(sample_shape))

    def sample(self, sample_shape: Sizes = Size()) -> Tensor:
        with torch.no_grad():
            return self._with_ones(self.base_dist.sample(sample_shape))

    def log_prob(self, value: Tensor) -> Tensor:
        inside = td.Independent(self.base_dist, self.count, validate_args=self._validate_args)
        score: Tensor = inside.log_prob(without_ones(value, self.count, len(self._event_shape)))
        return score.reshape(score.shape + Size([1] * self.count))


def without_ones(value: Tensor, count: int, event_dim: int) -> Tensor:
    """The value without the ``count`` dims of size 1 that stand left of its event dims."""
    cut = value.dim() - event_dim
    return value.reshape(value.shape[: cut - count] + value.shape[cut:])

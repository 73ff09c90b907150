"""The distribution of an absolute value."""

from __future__ import annotations

from typing import Any, Self

import torch
from torch import Size, Tensor
from torch import distributions as td
from torch.distributions import constraints

from virgil.distributions.core.shape_algebra import TorchDistributionMixin, expanded
from virgil.errors import ShapeError
from virgil.ops.sizes import Sizes

__all__ = ["FoldedDistribution"]


class FoldedDistribution(TorchDistributionMixin):
    """A nonnegative number: ``|x|`` for x from ``base_dist``, with density ``p(x) + p(-x)``.

    Shape: event ``()``.

    Args:
        base_dist: a distribution of single real numbers.

    Raises:
        ShapeError: its events are not single numbers.
    """

    arg_constraints: dict[str, constraints.Constraint] = {}
    support = constraints.nonnegative

    def __init__(self, base_dist: td.Distribution, validate_args: bool | None = None) -> None:
        if base_dist.event_shape:
            raise ShapeError(
                f"FoldedDistribution got {type(base_dist).__name__} of event_shape {tuple(base_dist.event_shape)}; it "
                "folds single numbers. Fold first, then call to_event."
            )
        self.base_dist = base_dist
        super().__init__(base_dist.batch_shape, validate_args=validate_args)

    def expand(self, batch_shape: Sizes, _instance: Any = None) -> Self:
        new = self._get_checked_instance(FoldedDistribution, _instance)
        new.base_dist = expanded(self.base_dist, batch_shape)
        super(FoldedDistribution, new).__init__(new.base_dist.batch_shape, validate_args=False)
        new._validate_args = self._validate_args
        return new

    @property
    def has_rsample(self) -> bool:  # type: ignore[override]
        return self.base_dist.has_rsample

    def sample(self, sample_shape: Sizes = Size()) -> Tensor:
        return self.base_dist.sample(sample_shape).abs()

    def rsample(self, sample_shape: Sizes = Size()) -> Tensor:
        return self.base_dist.rsample(sample_shape).abs()

    def log_prob(self, value: Tensor) -> Tensor:
        if self._validate_args:
            self._validate_sample(value)
        both = torch.logaddexp(self.base_dist.log_prob(value), self.base_dist.log_prob(-value))
        return torch.where(value >= 0, both, -torch.inf)

    def cdf(self, value: Tensor) -> Tensor:
        return self.base_dist.cdf(value) - self.base_dist.cdf(-value)

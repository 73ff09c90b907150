"""Two distributions, of which a mask chooses one for each entry."""

from __future__ import annotations

from typing import Any, Self

import torch
from torch import Size, Tensor
from torch import distributions as td

from virgil.distributions import constraints
from virgil.distributions.core.distribution import with_has_rsample
from virgil.distributions.core.shape_algebra import MaskedDistribution, TorchDistributionMixin, expanded
from virgil.errors import ArgumentError, ShapeError, shown
from virgil.ops.broadcast import broadcast_shapes
from virgil.ops.sizes import Sizes

__all__ = ["MaskedMixture"]


class MaskedMixture(TorchDistributionMixin):
    """``component1`` where a mask is true, ``component0`` where it is false.

    Unlike a mixture it is told which component an entry is from, for instance by a change point that is summed out.
    Shape: mask ``(*batch,)``, event as of the components.

    Args:
        mask: which component. Shape: ``(*batch,)``.
        component0: the distribution where the mask is false.
        component1: the distribution where the mask is true.

    Raises:
        ArgumentError: the mask is not a tensor of bools.
        ShapeError: the components have different event shapes, or the batch shapes do not broadcast.
    """

    arg_constraints: dict[str, constraints.Constraint] = {}

    def __init__(
        self, mask: Tensor, component0: td.Distribution, component1: td.Distribution, validate_args: bool | None = None
    ) -> None:
        if not isinstance(mask, Tensor) or mask.dtype is not torch.bool:
            raise ArgumentError(f"The mask of MaskedMixture is {shown(mask)}; it takes a tensor of dtype torch.bool.")
        if component0.event_shape != component1.event_shape:
            raise ShapeError(
                f"The components of MaskedMixture have event_shape {tuple(component0.event_shape)} and "
                f"{tuple(component1.event_shape)}; the two must be the same. Call to_event on one of them."
            )
        shapes = mask.shape, component0.batch_shape, component1.batch_shape
        try:
            batch_shape = Size(broadcast_shapes(*shapes))
        except RuntimeError as error:
            raise ShapeError(
                f"MaskedMixture has a mask of shape {tuple(shapes[0])} and components of batch_shape "
                f"{tuple(shapes[1])} and {tuple(shapes[2])}, which do not broadcast. A mask has no event dims."
            ) from error
        self._mask = mask.expand(batch_shape)
        self.component0, self.component1 = (expanded(each, batch_shape) for each in (component0, component1))
        super().__init__(batch_shape, component0.event_shape, validate_args=validate_args)

    def expand(self, batch_shape: Sizes, _instance: Any = None) -> Self:
        new = self._get_checked_instance(MaskedMixture, _instance)
        new._mask = self._mask.expand(batch_shape)
        new.component0, new.component1 = (expanded(each, batch_shape) for each in (self.component0, self.component1))
        super(MaskedMixture, new).__init__(Size(batch_shape), self._event_shape, validate_args=False)
        new._validate_args = self._validate_args
        return new

    @property
    def has_rsample(self) -> bool:  # type: ignore[override]
        return self.component0.has_rsample and self.component1.has_rsample

    def has_rsample_(self, value: bool) -> Self:
        self.component0, self.component1 = (
            with_has_rsample(each, value) for each in (self.component0, self.component1)
        )
        return self

    @constraints.dependent_property
    def support(self) -> Any:
        supports: Any = self.component0.support, self.component1.support
        if supports[0] is supports[1]:
            return supports[0]
        return constraints.MaskedConstraint(self._mask, *supports)

    def _chosen(self, first: Tensor, second: Tensor) -> Tensor:
        return torch.where(self._mask.reshape(self._mask.shape + (1,) * self.event_dim), second, first)

    def sample(self, sample_shape: Sizes = Size()) -> Tensor:
        return self._chosen(self.component0.sample(sample_shape), self.component1.sample(sample_shape))

    def rsample(self, sample_shape: Sizes = Size()) -> Tensor:
        return self._chosen(self.component0.rsample(sample_shape), self.component1.rsample(sample_shape))

    def log_prob(self, value: Tensor) -> Tensor:
        # each scores a value of its own support where it is not chosen
        first = MaskedDistribution(self.component0, ~self._mask).log_prob(value)
        return first + MaskedDistribution(self.component1, self._mask).log_prob(value)

    @property
    def mean(self) -> Tensor:
        return self._chosen(self.component0.mean, self.component1.mean)

    @property
    def variance(self) -> Tensor:
        return self._chosen(self.component0.variance, self.component1.variance)

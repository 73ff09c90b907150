"""A distribution repeated over a larger batch, for families that define no ``expand``."""

from __future__ import annotations

from typing import Any, Self

from torch import Size, Tensor
from torch import distributions as td

from virgil.distributions.core.shape_algebra import TorchDistributionMixin
from virgil.distributions.core.wrapper import Wrapper
from virgil.errors import ShapeError
from virgil.ops.broadcast import broadcast_shapes
from virgil.ops.sizes import Sizes

__all__ = ["ExpandedDistribution", "expanded"]


def expanded(fn: td.Distribution, batch_shape: Sizes) -> td.Distribution:
    """``fn.expand(batch_shape)``, also of a distribution that does not define ``expand``."""
    if type(fn).expand is td.Distribution.expand:
        return ExpandedDistribution(fn, batch_shape)
    return fn.expand(batch_shape)  # type: ignore[no-any-return]


class ExpandedDistribution(TorchDistributionMixin, Wrapper):
    """Independent copies of ``base_dist`` along new batch dims and along its batch dims of size one.

    Args:
        base_dist: any distribution; its own ``expand`` is not called.
        batch_shape: a shape to which ``base_dist.batch_shape`` broadcasts.

    Raises:
        ShapeError: it does not broadcast.
    """

    def __init__(self, base_dist: td.Distribution, batch_shape: Sizes = (), validate_args: bool | None = None) -> None:
        self.base_dist = base_dist
        shape = Size(batch_shape)
        _check_expansion(base_dist, shape)
        super().__init__(shape, base_dist.event_shape, validate_args=validate_args)

    def expand(self, batch_shape: Sizes, _instance: Any = None) -> Self:
        new = self._get_checked_instance(ExpandedDistribution, _instance)
        new.base_dist = self.base_dist
        shape = Size(batch_shape)
        _check_expansion(self, shape)
        super(ExpandedDistribution, new).__init__(shape, self._event_shape, validate_args=False)
        new._validate_args = self._validate_args
        return new

    def _spread(self, draw: Any, sample_shape: Sizes) -> Tensor:
        """Draw one dim for every dim that grows, and move each to its place."""
        base_shape = self.base_dist.batch_shape
        left = self._batch_shape[: len(self._batch_shape) - len(base_shape)]
        grown = [d for d in range(-len(base_shape), 0) if base_shape[d] != self._batch_shape[d]]
        value: Tensor = draw(Size(sample_shape) + left + Size([self._batch_shape[d] for d in grown]))
        start = len(sample_shape) + len(left)
        batch_end = value.dim() - len(self._event_shape)
        for offset, dim in enumerate(grown):
            value = value.transpose(start + offset, batch_end + dim)
        return value.reshape(self.shape(sample_shape))

    def sample(self, sample_shape: Sizes = ()) -> Tensor:
        return self._spread(self.base_dist.sample, sample_shape)

    def rsample(self, sample_shape: Sizes = ()) -> Tensor:
        return self._spread(self.base_dist.rsample, sample_shape)

    def log_prob(self, value: Tensor) -> Tensor:
        shape = broadcast_shapes(self._batch_shape, value.shape[: value.dim() - len(self._event_shape)])
        return self.base_dist.log_prob(value).expand(shape)

    def enumerate_support(self, expand: bool = True) -> Tensor:
        values = self.base_dist.enumerate_support(expand=False)
        count, missing = values.shape[0], len(self._batch_shape) - len(self.base_dist.batch_shape)
        values = values.reshape((count,) + (1,) * missing + values.shape[1:])
        return values.expand((count, *self._batch_shape, *self._event_shape)) if expand else values

    @property
    def mean(self) -> Tensor:
        return self.base_dist.mean.expand(self.shape())

    @property
    def variance(self) -> Tensor:
        return self.base_dist.variance.expand(self.shape())

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.base_dist}, {tuple(self._batch_shape)})"


def _check_expansion(fn: td.Distribution, batch_shape: Size) -> None:
    try:
        fits = broadcast_shapes(fn.batch_shape, batch_shape) == batch_shape
    except RuntimeError:
        fits = False
    if not fits:
        raise ShapeError(
            f"{type(fn).__name__} of batch_shape {tuple(fn.batch_shape)} cannot be expanded to {tuple(batch_shape)}: "
            "dims may be added on the left, and only dims of size 1 may grow."
        )

"""The shape algebra of plates, added once to every family of ``torch.distributions``.

A distribution has a ``batch_shape``, whose entries are independent, and an ``event_shape``, whose entries are scored
together. ``expand_by`` adds batch dims on the left, ``to_event`` moves batch dims into the event and ``mask`` switches
off batch entries. `Independent` and `MaskedDistribution` stand here too because these methods make them and they have
these methods.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Self, cast

import torch
from torch import Size, Tensor
from torch import distributions as td
from torch.distributions import constraints

from virgil.distributions.core.distribution import Distribution
from virgil.distributions.core.feasible_value import feasible_value
from virgil.distributions.core.validation import SKIP_BY_SWITCH, VALIDATE_BY_SWITCH, is_validating, mode
from virgil.distributions.core.wrapper import Wrapper
from virgil.errors import ArgumentError, ShapeError
from virgil.ops.broadcast import broadcast_shapes
from virgil.ops.sizes import Sizes

__all__ = ["Independent", "MaskedDistribution", "TorchDistributionMixin"]


class TorchDistributionMixin(Distribution):
    """The methods that every family has beyond torch's interface.

    It stands first among the bases: ``class Normal(TorchDistributionMixin, torch.distributions.Normal)``.
    """

    _validation: bool | None = None  # the constructor's argument; None: ask the switch

    @property
    def _validate_args(self) -> bool:
        own = self._validation
        if own is not None:
            return own
        return SKIP_BY_SWITCH if mode.skip or not is_validating() else VALIDATE_BY_SWITCH

    @_validate_args.setter
    def _validate_args(self, value: bool) -> None:
        self._validation = None if value is VALIDATE_BY_SWITCH or value is SKIP_BY_SWITCH else value

    if TYPE_CHECKING:  # torch leaves these two without types

        def expand(self, batch_shape: Sizes, _instance: Any = None) -> Self: ...
        def _get_checked_instance(self, cls: type, _instance: Any = None) -> Self: ...

    @property
    def event_dim(self) -> int:
        """Number of dims of one event."""
        return len(self._event_shape)

    def shape(self, sample_shape: Sizes = ()) -> Size:
        """The shape of a draw: ``sample_shape + batch_shape + event_shape``."""
        return Size(sample_shape) + self._batch_shape + self._event_shape

    def expand_by(self, sample_shape: Sizes) -> Self:
        """This distribution with ``sample_shape`` put to the left of its ``batch_shape``."""
        return self.expand(Size(sample_shape) + self._batch_shape)

    def to_event(self, reinterpreted_batch_ndims: int | None = None) -> TorchDistributionMixin:
        """This distribution with its rightmost batch dims counted as event dims.

        Args:
            reinterpreted_batch_ndims: how many; ``None`` takes all batch dims, a negative number gives dims of an
                `Independent` back to the batch.

        Raises:
            ArgumentError: not an integer.
            ShapeError: more dims than there are.
        """
        count = _checked_count(self, reinterpreted_batch_ndims)
        if count < 0:
            raise ShapeError(
                f"to_event({count}) of {type(self).__name__}: only dims that an earlier to_event(n) moved can be "
                "given back to the batch, and there are none. Pass a number >= 0, or None for all batch dims."
            )
        return Independent(self, count) if count else self

    def mask(self, mask: bool | Tensor) -> MaskedDistribution:
        """This distribution with log-probability 0 where ``mask`` is false.

        Args:
            mask: a bool, or a tensor of bools that broadcasts with ``batch_shape``.
        """
        return MaskedDistribution(self, mask)


def _checked_count(fn: TorchDistributionMixin, count: int | None) -> int:
    batch_dim = len(fn.batch_shape)
    if count is None:
        return batch_dim
    if not isinstance(count, int) or isinstance(count, bool):
        raise ArgumentError(
            f"to_event of {type(fn).__name__} got {count!r}, a {type(count).__name__}; it takes a number of dims, "
            "or None for all batch dims."
        )
    if count > batch_dim:
        raise ShapeError(
            f"to_event({count}) of {type(fn).__name__}: its batch_shape is {tuple(fn.batch_shape)}, so at most "
            f"{batch_dim} dims can become event dims. Expand the distribution first, or pass a smaller number."
        )
    return count


if TYPE_CHECKING:
    _TorchIndependent = td.Independent[Any]
else:
    _TorchIndependent = td.Independent


class Independent(TorchDistributionMixin, _TorchIndependent):
    """A distribution whose rightmost batch dims are counted as event dims.

    Args:
        base_distribution: the distribution whose dims are moved.
        reinterpreted_batch_ndims: how many of its rightmost batch dims become event dims.
    """

    def to_event(self, reinterpreted_batch_ndims: int | None = None) -> TorchDistributionMixin:
        count = _checked_count(self, reinterpreted_batch_ndims)
        total = self.reinterpreted_batch_ndims + count
        if total > 0:
            return Independent(self.base_dist, total) if count else self
        base = cast(TorchDistributionMixin, self.base_dist)
        return base if total == 0 else base.to_event(total)


class MaskedDistribution(TorchDistributionMixin, Wrapper):
    """A distribution whose log-probability counts only where a mask is true.

    Draws are those of ``base_dist``. Values at places that the mask switches off are replaced by a value of the support
    before they are scored, so that a NaN which stands for a missing observation reaches neither value nor gradient.

    Args:
        base_dist: any distribution.
        mask: a bool, or a tensor of bools that broadcasts with ``base_dist.batch_shape``. ``False`` skips the
            computation of ``base_dist.log_prob`` altogether.

    Raises:
        ArgumentError: the mask is neither.
        ShapeError: its shape does not broadcast.
    """

    def __init__(self, base_dist: td.Distribution, mask: bool | Tensor, validate_args: bool | None = None) -> None:
        batch_shape = base_dist.batch_shape
        if isinstance(mask, Tensor):
            batch_shape = _checked_mask_shape(base_dist, mask)
            mask = mask if mask.shape == batch_shape else mask.expand(batch_shape)
            if base_dist.batch_shape != batch_shape:
                base_dist = base_dist.expand(batch_shape)
        elif not isinstance(mask, bool):
            raise ArgumentError(
                f"The mask of {type(base_dist).__name__} is {mask!r}, a {type(mask).__name__}; it takes a bool or a "
                "tensor of dtype torch.bool."
            )
        self.base_dist = base_dist
        self._mask = mask
        super().__init__(batch_shape, base_dist.event_shape, validate_args=validate_args)

    def expand(self, batch_shape: Sizes, _instance: Any = None) -> Self:
        new = self._get_checked_instance(MaskedDistribution, _instance)
        batch_shape = Size(batch_shape)
        new.base_dist = self.base_dist.expand(batch_shape)
        new._mask = self._mask if isinstance(self._mask, bool) else self._mask.expand(batch_shape)
        super(MaskedDistribution, new).__init__(batch_shape, self.event_shape, validate_args=False)
        new._validate_args = self._validate_args
        return new

    @property
    def mean(self) -> Tensor:
        return self.base_dist.mean

    @property
    def mode(self) -> Tensor:
        return self.base_dist.mode

    @property
    def variance(self) -> Tensor:
        return self.base_dist.variance

    def sample(self, sample_shape: Sizes = ()) -> Tensor:
        return self.base_dist.sample(sample_shape)

    def rsample(self, sample_shape: Sizes = ()) -> Tensor:
        return self.base_dist.rsample(sample_shape)

    def enumerate_support(self, expand: bool = True) -> Tensor:
        return self.base_dist.enumerate_support(expand=expand)

    def log_prob(self, value: Tensor) -> Tensor:
        mask = self._mask
        if mask is True:
            return self.base_dist.log_prob(value)
        if mask is False:
            shape = broadcast_shapes(self._batch_shape, value.shape[: value.dim() - len(self._event_shape)])
            return value.new_zeros(shape, dtype=value.dtype if value.is_floating_point() else torch.get_default_dtype())
        return torch.where(mask, self.base_dist.log_prob(self._feasible(value, mask)), 0.0)

    def _feasible(self, value: Tensor, mask: Tensor) -> Tensor:
        try:
            support = cast(constraints.Constraint, self.base_dist.support)
            fill = feasible_value(
                support, self._batch_shape + self._event_shape, dtype=value.dtype, device=value.device
            )
        except (ArgumentError, NotImplementedError):
            return value  # a user's own support: nothing is known that would be inside
        return torch.where(mask.reshape(mask.shape + (1,) * len(self._event_shape)), value, fill)

    def entropy(self) -> Tensor:
        """Minus the expected log-probability, hence 0 where the mask is false. Nats."""
        if self._mask is True:
            return self.base_dist.entropy()
        entropy = self.base_dist.entropy()
        return torch.where(self._mask, entropy, 0.0) if isinstance(self._mask, Tensor) else torch.zeros_like(entropy)

    def __repr__(self) -> str:
        shown = self._mask if isinstance(self._mask, bool) else f"mask of shape {tuple(self._mask.shape)}"
        return f"{type(self).__name__}({self.base_dist}, {shown})"


def _checked_mask_shape(base_dist: td.Distribution, mask: Tensor) -> Size:
    name = type(base_dist).__name__
    if mask.dtype is not torch.bool:
        raise ArgumentError(
            f"The mask of {name} has dtype {mask.dtype}; it takes torch.bool. Write mask.bool() if nonzero means keep."
        )
    try:
        return broadcast_shapes(base_dist.batch_shape, mask.shape)
    except RuntimeError as error:
        raise ShapeError(
            f"The mask of {name} has shape {tuple(mask.shape)}, which does not broadcast with the distribution's "
            f"batch_shape {tuple(base_dist.batch_shape)}. A mask has no event dims."
        ) from error

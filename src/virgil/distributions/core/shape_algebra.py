"""The shape algebra of plates, added once to every family of ``torch.distributions``.

A distribution has a ``batch_shape``, whose entries are independent, and an ``event_shape``, whose entries are scored
together. ``expand_by`` adds batch dims on the left, ``to_event`` moves batch dims into the event and ``mask`` switches
off batch entries. `ExpandedDistribution`, `Independent` and `MaskedDistribution` stand here too because these methods
make them and they have these methods.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Self, cast

import torch
from torch import Size, Tensor
from torch import distributions as td
from torch.distributions import constraints

from virgil.distributions.core.conjugate_updates import of_family
from virgil.distributions.core.distribution import Distribution
from virgil.distributions.core.feasible_value import feasible_value
from virgil.distributions.core.inferred_shapes import inferred_shapes
from virgil.distributions.core.renamed_methods import RenamedMethods
from virgil.distributions.core.score_parts import ScoreParts, own_score_parts, scale_and_mask
from virgil.distributions.core.shape_arguments import as_mask, check_expansion, checked_count
from virgil.distributions.core.validation import SKIP_BY_SWITCH, VALIDATE_BY_SWITCH, is_validating, mode
from virgil.distributions.core.wrapper import Wrapper
from virgil.distributions.util import sum_rightmost
from virgil.errors import ArgumentError, ShapeError, a_kind, shown
from virgil.ops.broadcast import broadcast_shapes
from virgil.ops.sizes import Sizes

__all__ = ["ExpandedDistribution", "Independent", "MaskedDistribution", "TorchDistributionMixin", "expanded"]


class TorchDistributionMixin(RenamedMethods, Distribution):
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

    @classmethod
    def infer_shapes(cls, **arg_shapes: Sizes) -> tuple[Size, Size]:
        """The batch shape and the event shape, from the shapes of the constructor's arguments by name.

        Raises:
            ArgumentError: they do not follow from those shapes.

        >>> import virgil.distributions as dist
        >>> dist.MultivariateNormal.infer_shapes(loc=(3,), scale_tril=(5, 3, 3))
        (torch.Size([5]), torch.Size([3]))
        """
        return inferred_shapes(cls, arg_shapes)

    def shape(self, sample_shape: Sizes = ()) -> Size:
        """The shape of a draw: ``sample_shape + batch_shape + event_shape``."""
        return Size(sample_shape) + self._batch_shape + self._event_shape

    def expand_by(self, sample_shape: Sizes) -> TorchDistributionMixin:
        """This distribution with ``sample_shape`` put to the left of its ``batch_shape``.

        A family that does not say how to expand, or inherits an ``expand`` that does not know its constructor, is
        repeated by an `ExpandedDistribution`.
        """
        return cast(TorchDistributionMixin, expanded(self, Size(sample_shape) + self._batch_shape))

    def with_length_of(self, value: Tensor) -> TorchDistributionMixin:
        """This distribution, or that of series as long as ``value`` where it is one of series of any length."""
        return self

    def to_event(self, reinterpreted_batch_ndims: int | None = None) -> TorchDistributionMixin:
        """This distribution with its rightmost batch dims counted as event dims.

        Args:
            reinterpreted_batch_ndims: how many; ``None`` takes all batch dims, a negative number gives dims of an
                `Independent` back to the batch.

        Raises:
            ArgumentError: not an integer.
            ShapeError: more dims than there are.
        """
        count = checked_count(self, reinterpreted_batch_ndims)
        if count < 0:
            raise ShapeError(
                f"to_event({count}) of {type(self).__name__}: only dims that an earlier to_event(n) moved can be "
                "given back to the batch, and there are none. Pass a number >= 0, or None for all batch dims."
            )
        return Independent(self, count) if count else self

    def mask(self, mask: bool | Tensor) -> MaskedDistribution:
        """This distribution with log-probability 0 where ``mask`` is false.

        Args:
            mask: a bool, or a tensor of bools, or of numbers 0 and 1, that broadcasts with ``batch_shape``.
        """
        return MaskedDistribution(self, mask)


def expanded(fn: td.Distribution, batch_shape: Sizes) -> td.Distribution:
    """``fn.expand(batch_shape)``, also of a family that has no ``expand`` or inherits one without knowing how.

    torch refuses the ``expand`` of a class whose constructor is not that of the family that defines it.
    """
    if type(fn).expand is not td.Distribution.expand:
        try:
            larger = fn.expand(batch_shape)
        except NotImplementedError:
            pass
        else:
            if "has_rsample" in fn.__dict__:  # which torch's own do not keep
                larger.has_rsample = fn.has_rsample
            return larger  # type: ignore[no-any-return]
    return ExpandedDistribution(fn, batch_shape)


def _score_parts(fn: td.Distribution, value: Tensor) -> ScoreParts:
    return fn.score_parts(value) if isinstance(fn, Distribution) else own_score_parts(fn, value)


def _conjugate_update(fn: td.Distribution, other: td.Distribution) -> tuple[TorchDistributionMixin, Tensor]:
    return cast("tuple[TorchDistributionMixin, Tensor]", of_family(Distribution, fn).conjugate_update(other))


def _with_length_of(fn: td.Distribution, value: Tensor) -> td.Distribution:
    return fn.with_length_of(value) if isinstance(fn, TorchDistributionMixin) else fn


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

    def expand(self, batch_shape: Sizes, _instance: Any = None) -> Self:
        new = self._get_checked_instance(Independent, _instance)
        batch_shape = Size(batch_shape)
        count = self.reinterpreted_batch_ndims
        new.base_dist = expanded(self.base_dist, batch_shape + self._event_shape[:count])
        new.reinterpreted_batch_ndims = count
        super(td.Independent, new).__init__(batch_shape, self._event_shape, validate_args=False)
        new._validate_args = self._validate_args
        return new

    def with_length_of(self, value: Tensor) -> TorchDistributionMixin:
        base = _with_length_of(self.base_dist, value)
        return self if base is self.base_dist else Independent(base, self.reinterpreted_batch_ndims)

    def score_parts(self, x: Tensor, *args: Any, **kwargs: Any) -> ScoreParts:
        parts = _score_parts(self.base_dist, x)
        return ScoreParts(*(sum_rightmost(part, self.reinterpreted_batch_ndims) for part in parts))

    def conjugate_update(self, other: td.Distribution) -> tuple[td.Distribution, Tensor]:
        count = self.reinterpreted_batch_ndims
        factor = of_family(Independent, other).to_event(-count)
        updated, log_normalizer = _conjugate_update(self.base_dist, factor)
        return updated.to_event(count), cast(Tensor, sum_rightmost(log_normalizer, count))

    def to_event(self, reinterpreted_batch_ndims: int | None = None) -> TorchDistributionMixin:
        count = checked_count(self, reinterpreted_batch_ndims)
        total = self.reinterpreted_batch_ndims + count
        if total > 0:
            return Independent(self.base_dist, total) if count else self
        base = cast(TorchDistributionMixin, self.base_dist)
        return base if total == 0 else base.to_event(total)


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
        check_expansion(base_dist, shape)
        super().__init__(shape, base_dist.event_shape, validate_args=validate_args)

    def expand(self, batch_shape: Sizes, _instance: Any = None) -> Self:
        new = self._get_checked_instance(ExpandedDistribution, _instance)
        new.base_dist = self.base_dist
        shape = Size(batch_shape)
        check_expansion(self, shape)
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

    def sample(self, sample_shape: Sizes = Size()) -> Tensor:
        return self._spread(self.base_dist.sample, sample_shape)

    def rsample(self, sample_shape: Sizes = Size()) -> Tensor:
        return self._spread(self.base_dist.rsample, sample_shape)

    def log_prob(self, value: Tensor) -> Tensor:
        shape = broadcast_shapes(self._batch_shape, value.shape[: value.dim() - len(self._event_shape)])
        return self.base_dist.log_prob(value).expand(shape)

    def score_parts(self, x: Tensor, *args: Any, **kwargs: Any) -> ScoreParts:
        shape = broadcast_shapes(self._batch_shape, x.shape[: x.dim() - len(self._event_shape)])
        parts = _score_parts(self.base_dist, x)
        return ScoreParts(*(part.expand(shape) if isinstance(part, Tensor) else part for part in parts))

    def conjugate_update(self, other: td.Distribution) -> tuple[td.Distribution, Tensor]:
        updated, log_normalizer = _conjugate_update(self.base_dist, other)
        shape = broadcast_shapes(self._batch_shape, updated.batch_shape)
        return expanded(updated, shape), log_normalizer.expand(shape)

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


class MaskedDistribution(TorchDistributionMixin, Wrapper):
    """A distribution whose log-probability counts only where a mask is true.

    Draws are those of ``base_dist``. Values at places that the mask switches off are replaced by a value of the support
    before they are scored, so that a NaN which stands for a missing observation reaches neither value nor gradient.

    Args:
        base_dist: any distribution.
        mask: a bool, or a tensor of bools, or of numbers 0 and 1, that broadcasts with ``base_dist.batch_shape``.
            ``False`` skips the computation of ``base_dist.log_prob`` altogether.

    Raises:
        ArgumentError: the mask is none of these.
        ShapeError: its shape does not broadcast.
    """

    def __init__(self, base_dist: td.Distribution, mask: bool | Tensor, validate_args: bool | None = None) -> None:
        batch_shape = base_dist.batch_shape
        if isinstance(mask, Tensor):
            mask = as_mask(base_dist, mask)
            batch_shape = mask.shape
            if base_dist.batch_shape != batch_shape:
                base_dist = expanded(base_dist, batch_shape)
        elif not isinstance(mask, bool):
            raise ArgumentError(
                f"The mask of {type(base_dist).__name__} is {shown(mask)}, {a_kind(type(mask))}; it takes a "
                "bool or a tensor of dtype torch.bool."
            )
        self.base_dist = base_dist
        self._mask = mask
        super().__init__(batch_shape, base_dist.event_shape, validate_args=validate_args)

    def expand(self, batch_shape: Sizes, _instance: Any = None) -> Self:
        new = self._get_checked_instance(MaskedDistribution, _instance)
        batch_shape = Size(batch_shape)
        new.base_dist = expanded(self.base_dist, batch_shape)
        new._mask = self._mask if isinstance(self._mask, bool) else self._mask.expand(batch_shape)
        super(MaskedDistribution, new).__init__(batch_shape, self.event_shape, validate_args=False)
        new._validate_args = self._validate_args
        return new

    def with_length_of(self, value: Tensor) -> TorchDistributionMixin:
        base = _with_length_of(self.base_dist, value)
        return self if base is self.base_dist else MaskedDistribution(base, self._mask)

    @property
    def mean(self) -> Tensor:
        return self.base_dist.mean

    @property
    def mode(self) -> Tensor:
        return self.base_dist.mode

    @property
    def variance(self) -> Tensor:
        return self.base_dist.variance

    def sample(self, sample_shape: Sizes = Size()) -> Tensor:
        return self.base_dist.sample(sample_shape)

    def rsample(self, sample_shape: Sizes = Size()) -> Tensor:
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

    def score_parts(self, x: Tensor, *args: Any, **kwargs: Any) -> ScoreParts:
        if self.has_rsample:
            return super().score_parts(x)
        return _score_parts(self.base_dist, x).scale_and_mask(mask=self._mask)

    def conjugate_update(self, other: td.Distribution) -> tuple[td.Distribution, Tensor]:
        """The product where the mask is true; where it is false nothing counts, and the normaliser is 1."""
        updated, log_normalizer = _conjugate_update(self.base_dist, other)
        return updated.mask(self._mask), scale_and_mask(log_normalizer, mask=self._mask)

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

"""The normal distribution of arrays that sum to zero."""

from __future__ import annotations

import math
from typing import Any, Self

import torch
from torch import Size, Tensor

from virgil.distributions import constraints
from virgil.distributions.core.divergence import divergence
from virgil.distributions.core.shape_algebra import TorchDistributionMixin
from virgil.errors import ShapeError
from virgil.ops.sizes import Sizes

__all__ = ["ZeroSumNormal"]


class ZeroSumNormal(TorchDistributionMixin):
    r"""Independent normal numbers less their mean: effects of groups that sum to zero, all alike.

    The density, by the area of the subspace of arrays that sum to zero along each of their dims, is that of independent
    normals in its :math:`k = \prod (n_i - 1)` dimensions, :math:`(2 \pi \sigma^2)^{-k / 2} e^{-|x|^2 / (2 \sigma^2)}`.

    Args:
        scale: sigma > 0. Shape: ``(*batch,)``.
        event_shape: the shape of an event, one dim or more of two entries or more.

    Raises:
        ShapeError: no dim, or one of fewer entries.

    >>> effects = ZeroSumNormal(1.0, (4,)).sample()
    >>> bool(effects.sum().abs() < 1e-5)
    True
    """

    arg_constraints = {"scale": constraints.positive}
    has_rsample = True

    def __init__(self, scale: Tensor | float, event_shape: Sizes, *, validate_args: bool | None = None) -> None:
        event_shape = Size(event_shape)
        if not event_shape or min(event_shape) < 2:
            raise ShapeError(
                f"ZeroSumNormal got event_shape={tuple(event_shape)}; it takes one dim or more, each of two entries or "
                "more."
            )
        scale = torch.as_tensor(scale)
        self.scale = scale if scale.is_floating_point() else scale.to(torch.get_default_dtype())
        super().__init__(self.scale.shape, event_shape, validate_args=validate_args)

    def expand(self, batch_shape: Sizes, _instance: Any = None) -> Self:
        new = self._get_checked_instance(ZeroSumNormal, _instance)
        new.scale = self.scale.expand(Size(batch_shape))
        super(ZeroSumNormal, new).__init__(Size(batch_shape), self._event_shape, validate_args=False)
        new._validate_args = self._validate_args
        return new

    @constraints.dependent_property(is_discrete=False)
    def support(self) -> constraints.Constraint:
        return constraints.zero_sum(len(self._event_shape))

    def rsample(self, sample_shape: Sizes = Size()) -> Tensor:
        x = torch.randn(self.shape(sample_shape), dtype=self.scale.dtype, device=self.scale.device)
        for dim in range(-len(self._event_shape), 0):
            x = x - x.mean(dim, keepdim=True)
        return self._wide(self.scale) * x

    def log_prob(self, value: Tensor) -> Tensor:
        if self._validate_args:
            self._validate_sample(value)
        dims = tuple(range(-len(self._event_shape), 0))
        squares = (value / self._wide(self.scale)).square().sum(dims)
        return -squares / 2 - self._freedom * (self.scale.log() + math.log(2 * math.pi) / 2)

    def entropy(self) -> Tensor:
        return self._freedom * (self.scale.log() + (1 + math.log(2 * math.pi)) / 2)

    @property
    def mean(self) -> Tensor:
        return torch.zeros_like(self.variance)

    @property
    def mode(self) -> Tensor:
        return self.mean

    @property
    def variance(self) -> Tensor:
        share = self._freedom / self._event_shape.numel()
        return (self._wide(self.scale.square()) * share).expand(self.shape())

    @property
    def _freedom(self) -> int:
        return math.prod(size - 1 for size in self._event_shape)

    def _wide(self, number: Tensor) -> Tensor:
        return number.reshape(self._batch_shape + (1,) * len(self._event_shape))


@divergence(ZeroSumNormal, ZeroSumNormal)
def _kl_zero_sum_normal(p: ZeroSumNormal, q: ZeroSumNormal) -> Tensor:
    if p.event_shape != q.event_shape:
        raise ShapeError(
            f"The divergence of two ZeroSumNormal got event shapes {tuple(p.event_shape)} and {tuple(q.event_shape)}; "
            "they must be equal."
        )
    excess = (p.scale - q.scale) * (p.scale + q.scale) / q.scale.square()
    return p._freedom * (excess - torch.log1p(excess)) / 2

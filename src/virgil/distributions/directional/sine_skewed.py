"""Distributions of angles that lean to one side."""

from __future__ import annotations

import math
from typing import Any, Self

import torch
from torch import Size, Tensor
from torch import distributions as td

from virgil.distributions import constraints
from virgil.distributions.core.shape_algebra import TorchDistributionMixin, expanded
from virgil.errors import ArgumentError, ShapeError
from virgil.ops.all_true import all_true
from virgil.ops.broadcast import broadcast_shapes
from virgil.ops.sizes import Sizes

__all__ = ["SineSkewed"]


class SineSkewed(TorchDistributionMixin):
    r"""Angles whose density is that of ``base_dist`` times :math:`1 + \sum_i s_i \sin(x_i - \mu_i)`.

    The base is symmetric about its mean :math:`\mu`, so the factor leaves the normaliser as it is; it moves mass from
    one side of the mean to the other *(Ameijeiras-Alonso and Ley 2022, equation 2.1)*. A draw is one of the base, or
    its mirror image. Shape: event ``(n,)``.

    Args:
        base_dist: a distribution of n angles, symmetric about its ``mean``: `SineBivariateVonMises`, or
            ``VonMises(...).to_event(1)``, or a uniform one from -pi to pi. Shape: batch ``(*batch,)``.
        skewness: s, each in [-1, 1]; their absolute values sum to 1 at most. Shape: ``(*batch, n)``.

    Raises:
        ShapeError: an event of ``base_dist`` is no vector, or ``skewness`` has no number for each of its angles.
        ArgumentError: absolute values of ``skewness`` sum to more than 1.

    >>> import virgil.distributions as dist
    >>> base = dist.VonMises(torch.zeros(1), 2.0).to_event(1)
    >>> SineSkewed(base, torch.tensor([0.9])).sample().shape
    torch.Size([1])
    """

    arg_constraints = {"skewness": constraints.independent(constraints.interval(-1.0, 1.0), 1)}
    support = constraints.real_vector

    def __init__(self, base_dist: td.Distribution, skewness: Tensor, validate_args: bool | None = None) -> None:
        if len(base_dist.event_shape) != 1 or skewness.shape[-1:] != base_dist.event_shape:
            raise ShapeError(
                f"SineSkewed got a base_dist of event_shape {tuple(base_dist.event_shape)} and a skewness of shape "
                f"{tuple(skewness.shape)}; it takes a distribution of n angles, event_shape (n,), and a skewness of "
                "shape (*batch, n). to_event(1) makes a vector of single angles."
            )
        batch_shape = Size(broadcast_shapes(base_dist.batch_shape, skewness.shape[:-1]))
        self.base_dist = base_dist if base_dist.batch_shape == batch_shape else expanded(base_dist, batch_shape)
        self.skewness = skewness.expand(batch_shape + base_dist.event_shape)
        super().__init__(batch_shape, base_dist.event_shape, validate_args=validate_args)
        if self._validate_args and not all_true(skewness.abs().sum(-1) <= 1 + 1e-6):
            raise ArgumentError(
                "SineSkewed got a skewness whose absolute values sum to more than 1, where the density would be "
                "negative. Scale it down."
            )

    def expand(self, batch_shape: Sizes, _instance: Any = None) -> Self:
        new = self._get_checked_instance(SineSkewed, _instance)
        new.base_dist = expanded(self.base_dist, batch_shape)
        new.skewness = self.skewness.expand(Size(batch_shape) + self._event_shape)
        super(SineSkewed, new).__init__(Size(batch_shape), self._event_shape, validate_args=False)
        new._validate_args = self._validate_args
        return new

    def sample(self, sample_shape: Sizes = Size()) -> Tensor:
        with torch.no_grad():
            offset = self.base_dist.sample(Size(sample_shape)) - self.base_dist.mean
            uniform = torch.rand_like(offset[..., 0])
            kept = (2 * uniform < 1 + self._lean(offset)).unsqueeze(-1)
            angles = self.base_dist.mean + torch.where(kept, offset, -offset)
            return (angles + math.pi) % (2 * math.pi) - math.pi

    def log_prob(self, value: Tensor) -> Tensor:
        if self._validate_args:
            self._validate_sample(value)
        return self.base_dist.log_prob(value) + torch.log1p(self._lean(value - self.base_dist.mean))

    def _lean(self, offset: Tensor) -> Tensor:
        return (self.skewness * torch.sin(offset)).sum(-1)

    def __repr__(self) -> str:
        return f"SineSkewed({self.base_dist}, skewness: {tuple(self.skewness.shape)})"

"""The uniform distribution."""

from __future__ import annotations

import torch
from torch import Size, Tensor
from torch import distributions as td

from virgil.distributions.core.divergence import divergence
from virgil.distributions.core.shape_algebra import TorchDistributionMixin
from virgil.ops.broadcast import broadcast_shapes
from virgil.ops.double_precision import in_double
from virgil.ops.sizes import Sizes

__all__ = ["Uniform"]


class Uniform(TorchDistributionMixin, td.Uniform):
    """A number in [low, high) with density ``1 / (high - low)``.

    Shape: parameters ``(*batch,)``, event ``()``.

    Args:
        low: lower bound.
        high: upper bound, > low.
    """

    @classmethod
    def infer_shapes(cls, **arg_shapes: Sizes) -> tuple[Size, Size]:
        return Size(broadcast_shapes(*arg_shapes.values())), Size()


@divergence(Uniform, Uniform)
def _kl_uniform(p: td.Uniform, q: td.Uniform) -> Tensor:
    return in_double(_divergence, p.low, p.high, q.low, q.high)


def _divergence(low: Tensor, high: Tensor, other_low: Tensor, other_high: Tensor) -> Tensor:
    is_outside = (other_low > low) | (other_high < high)
    return torch.where(is_outside, torch.inf, (other_high - other_low).log() - (high - low).log())

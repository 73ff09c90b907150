"""The logistic normal distribution."""

from __future__ import annotations

from torch import Size
from torch import distributions as td

from virgil.distributions.core.shape_algebra import TorchDistributionMixin
from virgil.ops.broadcast import broadcast_shapes
from virgil.ops.sizes import Sizes

__all__ = ["LogisticNormal"]


class LogisticNormal(TorchDistributionMixin, td.LogisticNormal):
    """A vector on the simplex, the stick-breaking image of independent normals.

    Shape: event ``(n,)``.

    Args:
        loc: means before the transform. Shape: ``(*batch, n - 1)``.
        scale: standard deviations before the transform, > 0. Shape: ``(*batch, n - 1)``.
    """

    @classmethod
    def infer_shapes(cls, **arg_shapes: Sizes) -> tuple[Size, Size]:
        shape = Size(broadcast_shapes(*arg_shapes.values()))  # the last dim is that of the event before the transform
        return shape[:-1], Size((shape[-1] + 1,))

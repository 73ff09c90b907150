"""The logistic normal distribution."""

from __future__ import annotations

from torch import Size
from torch import distributions as td

from virgil.distributions.core.shape_algebra import TorchDistributionMixin
from virgil.ops.broadcast import broadcast_shapes
from virgil.ops.sizes import Sizes

__all__ = ["LogisticNormal"]


class LogisticNormal(TorchDistributionMixin, td.LogisticNormal):
    r"""A vector on the simplex, the stick-breaking image of independent normals.

    The density is that of the normal numbers y over the Jacobian of :math:`x_i = z_i \prod_{j < i} (1 - z_j)` with
    :math:`z_i = 1 / (1 + (n - i) e^{-y_i})`; the last entry is the rest. Shape: event ``(n,)``.

    Args:
        loc: means before the transform. Shape: ``(*batch, n - 1)``.
        scale: standard deviations before the transform, > 0. Shape: ``(*batch, n - 1)``.
    """

    @classmethod
    def infer_shapes(cls, **arg_shapes: Sizes) -> tuple[Size, Size]:
        shape = Size(broadcast_shapes(*arg_shapes.values()))  # the last dim is that of the event before the transform
        return shape[:-1], Size((shape[-1] + 1,))

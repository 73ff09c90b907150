"""The Laplace distribution."""

from __future__ import annotations

from torch import Tensor
from torch import distributions as td

from virgil.distributions.core.divergence import divergence
from virgil.distributions.core.shape_algebra import TorchDistributionMixin
from virgil.ops.double_precision import in_double

__all__ = ["Laplace"]


class Laplace(TorchDistributionMixin, td.Laplace):
    """A real number with density ``exp(-|x - loc| / scale) / (2 * scale)``.

    Shape: parameters ``(*batch,)``, event ``()``.

    Args:
        loc: mean.
        scale: mean absolute deviation, > 0.
    """


@divergence(Laplace, Laplace)
def _kl_laplace(p: td.Laplace, q: td.Laplace) -> Tensor:
    return in_double(_divergence, p.loc, p.scale, q.loc, q.scale)


def _divergence(loc: Tensor, scale: Tensor, other_loc: Tensor, other_scale: Tensor) -> Tensor:
    """*(Gil, Alajaji and Linder 2013, table 3)*."""
    distance = (loc - other_loc).abs()
    mean_distance = distance + scale * (-distance / scale).exp()
    return other_scale.log() - scale.log() + mean_distance / other_scale - 1

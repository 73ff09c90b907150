"""The exponential distribution."""

from __future__ import annotations

from torch import Tensor
from torch import distributions as td

from virgil.distributions.core.divergence import divergence
from virgil.distributions.core.shape_algebra import TorchDistributionMixin
from virgil.ops.double_precision import in_double

__all__ = ["Exponential"]


class Exponential(TorchDistributionMixin, td.Exponential):
    """A nonnegative number with density ``rate * exp(-rate * x)``: the waiting time of a Poisson process.

    Shape: parameters ``(*batch,)``, event ``()``.

    Args:
        rate: inverse of the mean, > 0.
    """


@divergence(Exponential, Exponential)
def _kl_exponential(p: td.Exponential, q: td.Exponential) -> Tensor:
    return in_double(_divergence, p.rate, q.rate)


def _divergence(rate: Tensor, other: Tensor) -> Tensor:
    return rate.log() - other.log() + other / rate - 1

"""Student's t distribution."""

from __future__ import annotations

import math

import torch
from torch import Tensor
from torch import distributions as td
from torch.distributions.utils import broadcast_all

from virgil.distributions.continuous.chi2 import Chi2
from virgil.distributions.core.cdf_of_tails import QuantilesOfTails
from virgil.distributions.core.expand_methods import expand_as_torch
from virgil.distributions.core.shape_algebra import TorchDistributionMixin
from virgil.ops.double_precision import in_double

__all__ = ["StudentT"]


@expand_as_torch
class StudentT(TorchDistributionMixin, QuantilesOfTails, td.StudentT):
    """A real number with heavy tails: density proportional to ``(1 + z**2 / df)**(-(df + 1) / 2)``.

    Here ``z = (x - loc) / scale``. At ``df = 1`` it is a Cauchy distribution; it approaches a normal one as ``df``
    grows. Shape: parameters ``(*batch,)``, event ``()``.

    Args:
        df: degrees of freedom, > 0; moments of this order and above do not exist.
        loc: median.
        scale: > 0; not the standard deviation.
    """

    def __init__(
        self,
        df: Tensor | float,
        loc: Tensor | float = 0.0,
        scale: Tensor | float = 1.0,
        validate_args: bool | None = None,
    ) -> None:
        self.df, self.loc, self.scale = broadcast_all(df, loc, scale)
        self._chi2 = Chi2(self.df, validate_args=False)
        td.Distribution.__init__(self, self.df.shape, validate_args=validate_args)

    def log_prob(self, value: Tensor) -> Tensor:
        if self._validate_args:
            self._validate_sample(value)
        return in_double(_log_prob, value, self.df, self.loc, self.scale)

    def entropy(self) -> Tensor:
        return in_double(_entropy, self.df, self.scale)


def _entropy(df: Tensor, scale: Tensor) -> Tensor:
    half, more = df / 2, (df + 1) / 2
    shape = torch.lgamma(half) - torch.lgamma(more) + (df * math.pi).log() / 2
    return scale.log() + shape + more * (torch.digamma(more) - torch.digamma(half))


def _log_prob(value: Tensor, df: Tensor, loc: Tensor, scale: Tensor) -> Tensor:
    z = (value - loc) / scale
    shape = torch.lgamma((df + 1) / 2) - torch.lgamma(df / 2) - (df * math.pi).log() / 2
    return shape - (df + 1) / 2 * torch.log1p(z * z / df) - scale.log()

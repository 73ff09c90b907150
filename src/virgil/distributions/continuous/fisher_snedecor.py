"""The F distribution of Fisher and Snedecor."""

from __future__ import annotations

import torch
from torch import Tensor
from torch import distributions as td

from virgil.distributions.core.cdf_of_tails import QuantilesOfTails
from virgil.distributions.core.expand_methods import expand_as_torch
from virgil.distributions.core.gamma_draws import GammaDraws
from virgil.distributions.core.shape_algebra import TorchDistributionMixin
from virgil.ops.double_precision import in_double

__all__ = ["FisherSnedecor"]


@expand_as_torch
class FisherSnedecor(TorchDistributionMixin, QuantilesOfTails, td.FisherSnedecor):
    """A positive number, the ratio of two chi-squares, each over its degrees of freedom.

    The density is proportional to ``x**(df1 / 2 - 1) * (1 + x * df1 / df2)**(-(df1 + df2) / 2)``. Shape: parameters
    ``(*batch,)``, event ``()``.

    Args:
        df1: degrees of freedom of the numerator, > 0.
        df2: degrees of freedom of the denominator, > 0.
    """

    def __init__(self, df1: Tensor | float, df2: Tensor | float, validate_args: bool | None = None) -> None:
        super().__init__(df1, df2, validate_args=validate_args)
        self._gamma1, self._gamma2 = (GammaDraws(each / 2, each, validate_args=False) for each in (self.df1, self.df2))

    def log_prob(self, value: Tensor) -> Tensor:
        if self._validate_args:
            self._validate_sample(value)
        return in_double(_log_prob, value, self.df1, self.df2)


def _log_prob(value: Tensor, df1: Tensor, df2: Tensor) -> Tensor:
    a, b, ratio = df1 / 2, df2 / 2, df1 / df2
    powers = a * ratio.log() + torch.xlogy(a - 1, value) - (a + b) * torch.log1p(ratio * value)
    return powers + torch.lgamma(a + b) - torch.lgamma(a) - torch.lgamma(b)
